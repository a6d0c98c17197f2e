// The settings: tokens, people, channels, the budget and the list of changes; and the form of a host.

import http from "node:http";

import { accessible, check, clean, finish, fitsWidth, open, part, shot, until, world } from "./kit.mjs";

const SECTIONS = ["general", "users", "tokens", "channels", "guests", "budget", "audit"];

/** The status that somebody with a token gets. */
const statusOf = async (made, path, token) => (await fetch(made.url + path, { headers: { authorization: token } })).status;

async function logIn(made, name, password, address = "/") {
  const page = await open(made, address, { loggedIn: false });
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).first().waitFor();
  return page;
}

/** Answers a question of the page. */
const say = (page, action) => page.getByRole("dialog", { name: "Are you sure?" }).getByRole("button", { name: action }).click();

await part("a token is made, shown once, used, and dead when it is revoked", async () => {
  const made = await world();
  const page = await open(made, "/ui/settings/tokens");
  await page.getByRole("button", { name: "Create a token" }).click();
  const dialog = page.getByRole("dialog", { name: "Create a token" });
  await dialog.getByLabel("What it is for").fill("grafana");
  await dialog.getByLabel("Only from these addresses").fill("nowhere");
  await dialog.getByText("Addresses or ranges such as").waitFor();
  check(await dialog.getByRole("button", { name: "Create" }).isDisabled(), "what cannot be is not sent");
  await dialog.getByLabel("Only from these addresses").fill("127.0.0.0/8");
  await accessible(page);
  await shot(page, "settings", "token-form");
  await dialog.getByRole("button", { name: "Create" }).click();
  const once = page.getByRole("region", { name: "Your new token" });
  await once.waitFor();
  await until("the focus to be at the token", () => once.evaluate((element) => element === document.activeElement));
  const token = await once.locator("code").textContent();
  check(token.length === 43, `a token of ${token.length} characters`);
  await accessible(page);
  await shot(page, "settings", "token-made");
  check((await statusOf(made, "/api/edgewatch/v1/events", token)) === 200, "it reads");
  check((await statusOf(made, "/api/edgewatch/v1/settings", token)) === 403, "it does nothing else");
  await once.getByRole("button", { name: "I have it" }).click();
  check(!(await page.content()).includes(token), "it is shown once");
  const row = page.getByRole("row", { name: /grafana/ });
  await row.getByText(`…${token.slice(-4)}`).waitFor();
  await row.getByText("from 127.0.0.0/8").waitFor();
  await page.reload();
  await row.getByRole("button", { name: /^Revoke token/ }).click();
  await accessible(page);
  await say(page, "Revoke");
  await row.waitFor({ state: "detached" });
  check((await statusOf(made, "/api/edgewatch/v1/events", token)) === 401, "it is dead at once");
  clean(page);
});

await part("a person who only looks is offered nothing that changes anything", async () => {
  const made = await world();
  const { id } = await made.addHost("alpha");
  const page = await open(made, "/ui/settings/users");
  await page.getByRole("button", { name: "Add a person" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a person" });
  await dialog.getByLabel("Name").fill("grace");
  await dialog.getByLabel("Password").fill("short");
  await dialog.getByRole("button", { name: "Create" }).click();
  await dialog.getByText("At least 10 characters.").waitFor();
  page.complaints = page.complaints.filter((one) => !one.includes("status of 400"));
  await dialog.getByLabel("Password").fill("hopper hopper");
  await accessible(page);
  await shot(page, "settings", "person-form");
  await dialog.getByRole("button", { name: "Create" }).click();
  await page.getByRole("row", { name: /grace/ }).getByText("Viewer").waitFor();
  clean(page);

  const looking = await logIn(made, "grace", "hopper hopper", "/ui/settings");
  await looking.getByRole("link", { name: "Your account" }).waitFor();
  for (const name of ["Tokens", "Channels", "Guests", "Audit"]) {
    check((await looking.getByRole("navigation", { name: "Sections of the settings" }).getByRole("link", { name }).count()) === 0, `${name} is not offered`);
  }
  for (const address of ["/ui/settings/tokens", "/ui/settings/channels", "/ui/settings/guests", "/ui/settings/audit", `/ui/hosts/${id}/edit`]) {
    await looking.goto(address);
    await looking.getByText("This page is for administrators.").waitFor();
  }
  await looking.goto("/ui/settings/budget");
  await looking.getByRole("heading", { name: "History" }).waitFor();
  await looking.goto("/ui/settings/users");
  check((await looking.getByRole("button", { name: "Add a person" }).count()) === 0, "accounts are not theirs");
  const other = await logIn(made, "grace", "hopper hopper");
  await looking.getByLabel("Current password").fill("hopper hopper");
  await looking.getByLabel("New password", { exact: true }).fill("lovelace lovelace");
  await looking.getByLabel("New password again").fill("lovelace");
  await looking.getByText("The two are not the same.").waitFor();
  await looking.getByLabel("New password again").fill("lovelace lovelace");
  await accessible(looking);
  await shot(looking, "settings", "own-password");
  await looking.getByRole("button", { name: "Change password" }).click();
  await looking.getByText("Your other sessions are over").waitFor();
  clean(looking);
  await other.goto("/ui/settings");
  await other.getByRole("heading", { name: "Log in" }).waitFor();
  await looking.reload();
  await looking.getByLabel("Current password").waitFor();

  // Somebody else's password is set anew, and their sessions end.
  await page.getByRole("button", { name: "Edit grace" }).click();
  await page.getByLabel("Set another password").fill("noether noether");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Their sessions are over.").waitFor();
  await looking.reload();
  await looking.getByRole("heading", { name: "Log in" }).waitFor();
  await page.getByRole("button", { name: "Remove grace" }).click();
  await say(page, "Remove");
  await page.getByRole("row", { name: /grace/ }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Remove admin" }).click();
  await say(page, "Remove");
  await page.getByText("The last administrator stays.").waitFor();
});

/** A receiver of notifications on loopback, which answers as it is told. */
async function receiver() {
  const heard = [];
  const made = { heard, status: 200, words: "thank you" };
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece)).on("end", () => {
      heard.push({ path: request.url, body });
      response.writeHead(made.status).end(made.words);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  made.url = `http://127.0.0.1:${server.address().port}/hook/secret-part`;
  made.close = () => new Promise((resolve) => server.close(resolve));
  return made;
}

await part("a channel is made, tested with the receiver's own words, changed without its secret, and removed", async () => {
  const made = await world();
  const ear = await receiver();
  try {
    const page = await open(made, "/ui/settings/channels");
    await page.getByText("Nobody is told of anything yet.").waitFor();
    await page.getByRole("button", { name: "Add a channel" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Kind").selectOption("telegram");
    await dialog.getByRole("button", { name: "Create" }).click();
    check((await dialog.getByText("This is needed.").count()) >= 3, "what is missing is said at its field");
    await dialog.getByText("Optional").click();
    check((await dialog.getByLabel("silent").evaluate((element) => element.tagName)) === "SELECT", "a choice is a choice");
    await accessible(page);
    await shot(page, "settings", "channel-form");
    await dialog.getByLabel("Kind").selectOption("webhook");
    await dialog.getByLabel("Name").fill("ops");
    await dialog.getByLabel("Group").fill("night");
    await dialog.getByLabel("url").fill(ear.url);
    await dialog.getByRole("button", { name: "Create" }).click();
    const row = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "ops" }) });
    await row.getByText("night").waitFor();
    check(!(await page.content()).includes("secret-part"), "its address is a secret");

    await row.getByRole("button", { name: "Send a test to ops" }).click();
    await row.getByText("Delivered").waitFor();
    await row.getByText("status 200").waitFor();
    check(ear.heard.length === 1 && JSON.parse(ear.heard[0].body).kind === "test", "the receiver got it");
    Object.assign(ear, { status: 503, words: "the disk is full" });
    await row.getByRole("button", { name: "Send a test to ops" }).click();
    await row.getByText("Not delivered").waitFor();
    await row.getByText("status 503", { exact: true }).waitFor();
    await row.getByText("the disk is full").waitFor();
    await accessible(page);
    await shot(page, "settings", "channel-test");

    await row.getByRole("button", { name: "Edit ops" }).click();
    check((await dialog.getByLabel("url").inputValue()) === "", "a kept secret is in no form");
    check((await dialog.getByLabel("url").getAttribute("placeholder")).startsWith("Kept"), "the form says that it is kept");
    await dialog.getByLabel("Name").fill("operators");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "operators" }).waitFor();
    Object.assign(ear, { status: 200, words: "" });
    await page.getByRole("button", { name: "Send a test to operators" }).click();
    await page.getByText("Delivered", { exact: true }).waitFor();
    check(ear.heard.at(-1).path === "/hook/secret-part", "it still goes where it went");
    await page.getByRole("button", { name: "Remove operators" }).click();
    await say(page, "Remove");
    await page.getByText("Nobody is told of anything yet.").waitFor();
    clean(page);
  } finally {
    await ear.close();
  }
});

await part("a host is edited and changes at once in the fleet; it gets a new secret, is merged, and retired", async () => {
  const made = await world();
  const [alpha, beta, gamma] = [await made.addHost("alpha"), await made.addHost("beta"), await made.addHost("gamma")];
  const fleet = await open(made, "/");
  await fleet.getByRole("link", { name: "alpha" }).waitFor();
  const page = await open(made, `/ui/hosts/${alpha.id}/edit`);
  await page.getByLabel("Name").fill("alpha-renamed");
  await page.getByLabel("Group").fill("kitchen");
  await page.getByLabel("Labels").fill("web,");
  await page.getByLabel("Labels").fill("fast");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Remove the label web" }).waitFor();
  await page.getByLabel("Private note").fill("behind the boiler");
  await page.getByLabel("Services and roles").fill("shop:app");
  await page.getByText("5 changes not saved").waitFor();
  await accessible(page);
  await shot(page, "edit", "changed");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Edit alpha-renamed" }).waitFor();
  await fleet.getByRole("link", { name: "alpha-renamed" }).waitFor();
  await fleet.getByText("kitchen").first().waitFor();
  clean(fleet);
  const kept = await made.api("GET", `/api/edgewatch/v1/hosts/${alpha.id}`);
  check(kept.note === "behind the boiler" && kept.tags.join() === "web,fast" && kept.mackerel.roles.join() === "shop:app", `it is kept: ${JSON.stringify(kept)}`);

  await page.getByRole("button", { name: "Make a new secret" }).click();
  await say(page, "Make a new secret");
  const secret = await page.locator(".edit-once code").textContent();
  check(secret.length >= 18 && secret !== alpha.secret, "there is another secret");
  await accessible(page);
  const ask = (bearer) => fetch(`${made.url}/agent/v1/reports`, { method: "POST", headers: { authorization: `Bearer ${bearer}` }, body: JSON.stringify({ agent_version: "0", sent_at_ms: Date.now(), oldest: 1, period_s: 10, samples: [] }) });
  check((await ask(alpha.secret)).status === 401, "the old secret is dead");
  check((await ask(secret)).status === 200, "the new one is good");

  await page.goto(`/ui/hosts/${beta.id}/edit`);
  await page.getByLabel("The host that stays").selectOption(String(alpha.id));
  await page.getByRole("button", { name: "Merge" }).click();
  const merge = page.getByRole("dialog", { name: "Merge beta into alpha-renamed?" });
  await merge.getByText("This cannot be undone.").waitFor();
  check(await merge.getByRole("button", { name: "Merge" }).isDisabled(), "nobody merges by a slip");
  await accessible(page);
  await shot(page, "edit", "merge");
  await merge.getByLabel("Type beta to confirm").fill("beta");
  await merge.getByRole("button", { name: "Merge" }).click();
  await until("the host that stays", () => new URL(page.url()).pathname === `/ui/hosts/${alpha.id}`);
  await fleet.getByRole("link", { name: "beta" }).waitFor({ state: "detached" });

  await page.goto(`/ui/hosts/${gamma.id}/edit`);
  await page.getByRole("button", { name: "Retire this host" }).click();
  const retire = page.getByRole("dialog", { name: "Retire gamma?" });
  await retire.getByLabel("Type gamma to confirm").fill("Gamma");
  check(await retire.getByRole("button", { name: "Retire this host" }).isDisabled(), "another name confirms nothing");
  await retire.getByLabel("Type gamma to confirm").fill("gamma");
  await retire.getByRole("button", { name: "Retire this host" }).click();
  await until("the fleet", () => new URL(page.url()).pathname === "/");
  await fleet.getByRole("link", { name: "gamma" }).waitFor({ state: "detached" });
  await page.goto(`/ui/hosts/${gamma.id}/edit`);
  await page.getByText("There is no host of this number.").waitFor();
});

await part("settings of the deployment are kept, and those of the browser stay in it", async () => {
  const made = await world();
  await made.addHost("alpha");
  const page = await open(made, "/ui/settings/general");
  await page.getByLabel("Say when a host has another address").check();
  await page.getByLabel("Of which hosts").selectOption("only");
  await page.getByText("Choose at least one host.").waitFor();
  await page.getByRole("searchbox", { name: /Find a host/ }).fill("alp");
  await page.getByRole("button", { name: "alpha" }).click();
  await page.getByLabel("A stock openITCOCKPIT agent that registers").selectOption("manual");
  await page.getByRole("button", { name: "Add a name" }).click();
  await page.getByLabel("Name of the host that is asked").fill("pulse.example.com");
  await accessible(page);
  await page.evaluate(() => scrollTo(0, 0));
  await shot(page, "settings", "general-changed", { fullPage: true });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const kept = await made.api("GET", "/api/edgewatch/v1/settings");
  check(JSON.stringify(kept.ip_change_notifications) === '{"enabled":true,"group":"","hosts":[1]}' && kept.push_agents === "manual" && kept.dialect_hosts["pulse.example.com"] === "pulse", JSON.stringify(kept));
  await page.getByLabel("Sizes in").selectOption("decimal");
  await page.getByLabel("Language").selectOption("zh");
  await page.getByRole("heading", { name: "设置" }).waitFor();
  await page.reload();
  await page.getByLabel("容量单位").waitFor();
  check((await page.getByLabel("容量单位").inputValue()) === "decimal", "the browser remembers");
  clean(page);
});

await part("every part of the settings reads well in light and dark, wide and on a phone, in both languages", async () => {
  const made = await world({ vars: { PLAN: "free" } });
  for (const name of ["fra-1", "fra-2", "sgp-1"]) await made.addHost(name);
  await made.api("POST", "/api/edgewatch/v1/tokens", { note: "autumn rollout", kind: "agent", uses: 12 });
  await made.api("POST", "/api/edgewatch/v1/users", { username: "grace", role: "viewer", email: "grace@example.com" });
  await made.api("POST", "/api/edgewatch/v1/channels", { name: "ops", kind: "smtp", config: { host: "mail.example.com", from: "watch@example.com", to: "ops@example.com" } });
  const { hosts } = await made.api("GET", "/api/edgewatch/v1/hosts");
  const addresses = [...SECTIONS.map((section) => [`/ui/settings/${section}`, section]), [`/ui/hosts/${hosts[0].id}/edit`, "host"]];
  for (const look of [{ theme: "light" }, { theme: "dark" }, { theme: "dark", width: 360, height: 740 }, { theme: "light", width: 360, height: 740, language: "zh" }]) {
    const page = await open(made, "/ui/settings", look);
    const kind = `${look.width ? "phone" : "wide"}${look.language === "zh" ? "-chinese" : ""}`;
    for (const [address, what] of addresses) {
      await page.goto(address);
      await page.locator("h1").waitFor();
      await until("nothing to be loaded any more", async () => (await page.locator(".ui-waiting").count()) === 0);
      await accessible(page);
      await fitsWidth(page);
      await shot(page, "settings", `${what}-${kind}`, { fullPage: true });
    }
    clean(page);
  }
});

await finish();
