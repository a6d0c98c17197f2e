// The frame: logging in by each way, the setup link, navigation, themes, language, keyboard, what happens when the Worker is away.

import { accessible, check, clean, finish, fitsWidth, host, open, part, shot, until, world } from "./kit.mjs";

await part("a person logs in by name and password, and out again", async () => {
  const made = await world({ staged: true });
  await made.hub.set({ hosts: [host(1, { name: "alpha" })] });
  const page = await open(made, "/ui/hosts/1", { loggedIn: false });
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  check(new URL(page.url()).pathname === "/ui/hosts/1", "the wanted address is kept while logging in");
  await accessible(page);
  await shot(page, "login", "password");
  await page.getByLabel("Name", { exact: true }).fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("battery staple horse");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("do not belong together").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(made.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).first().waitFor();
  check(new URL(page.url()).pathname === "/ui/hosts/1", "logged in, one is where one wanted to be");
  await page.goto("/");
  await page.getByRole("link", { name: "alpha" }).waitFor();
  await until("the page to be live", () => page.getByText("Live", { exact: true }).isVisible());
  await page.getByRole("button", { name: "Account: admin" }).click();
  await accessible(page);
  await shot(page, "shell", "menu");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  check((await page.getByRole("link", { name: "alpha" }).count()) === 0, "the fleet is gone with the session");
  page.complaints = page.complaints.filter((one) => !one.includes("status of 401"));
  clean(page);
});

await part("a token that is not known is refused in words, a good one logs in", async () => {
  const made = await world({ staged: true });
  const page = await open(made, "/login", { loggedIn: false, theme: "dark" });
  await page.getByRole("button", { name: "API token" }).click();
  check(new URL(page.url()).pathname === "/ui/login", "the old address leads to the login");
  await shot(page, "login", "token");
  await page.getByLabel("API token", { exact: true }).fill("0123456789abcdef0123456789abcdef");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("This token is not known").waitFor();
  await page.getByLabel("API token", { exact: true }).fill(made.token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("No hosts yet").waitFor();
  check(new URL(page.url()).pathname === "/", "one starts at the fleet");
  await accessible(page);
  await shot(page, "fleet", "empty");
});

await part("the setup link makes an administrator and leaves no trace in the address", async () => {
  const made = await world({ staged: true, admin: false });
  const page = await open(made, `/#setup=${await made.setupLink()}`, { loggedIn: false });
  await page.getByRole("heading", { name: "Set up an administrator" }).waitFor();
  check(page.url() === `${made.url}/ui/setup`, `the secret left the address: ${page.url()}`);
  await accessible(page);
  await shot(page, "login", "setup");
  await page.getByLabel("Your password").fill("correct horse");
  await page.getByRole("button", { name: "Become administrator" }).click();
  await page.getByRole("heading", { name: "You are an administrator" }).waitFor();
  const token = await page.locator(".ui-copy code").textContent();
  check(token.length === 43, `a token is shown: ${token.length} characters`);
  await accessible(page);
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByText("No hosts yet").waitFor();
  clean(page);
  const again = await open(made, "/ui/setup", { loggedIn: false });
  await again.getByText("This page needs a setup link").waitFor();
  clean(again);
});

await part("a guest looks with the view password and logs in from there", async () => {
  const made = await world();
  await made.addHost("alpha");
  await made.api("PATCH", "/api/edgewatch/v1/settings", { view_password: "open sesame" });
  const page = await open(made, "/ui/login", { loggedIn: false });
  await page.getByRole("button", { name: "View password" }).click();
  await page.getByLabel("View password", { exact: true }).fill("sesame");
  await page.getByRole("button", { name: "Look" }).click();
  await page.getByText("This is not the view password").waitFor();
  await page.getByLabel("View password", { exact: true }).fill("open sesame");
  await page.getByRole("button", { name: "Look" }).click();
  await page.getByText("alpha").first().waitFor();
  check((await page.getByRole("link", { name: "Settings" }).count()) === 0, "a guest is led to no page of members");
  clean(page);
});

await part("the theme is chosen, kept, and there before the first paint", async () => {
  const made = await world({ staged: true });
  await made.hub.set({ hosts: [host(1, { name: "alpha" })] });
  const page = await open(made, "/", { theme: "light" });
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.getByRole("link", { name: "alpha" }).waitFor();
  const light = await back();
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("button", { name: "Dark" }).click();
  check((await back()) !== light, "dark is another colour");
  // The attribute is there when the body begins to exist: nothing is painted before it.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.body) return;
      window.themeAtFirst = document.documentElement.dataset.theme;
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await page.getByRole("link", { name: "alpha" }).waitFor();
  check((await page.evaluate(() => window.themeAtFirst)) === "dark", "the theme comes before the body");
  await page.getByRole("button", { name: /^Account/ }).click();
  await page.getByRole("button", { name: "As the system" }).click();
  check((await back()) === light, "the system's theme is back");
  await page.emulateMedia({ colorScheme: "dark" });
  check((await back()) !== light, "the system's theme is followed");
  clean(page);
});

await part("Chinese is chosen, kept, and taken from the browser", async () => {
  const made = await world({ staged: true });
  await made.hub.set({ hosts: [host(1, { name: "alpha" })] });
  const page = await open(made, "/", { language: "zh", theme: "dark" });
  await page.getByRole("link", { name: "告警" }).first().waitFor();
  check((await page.evaluate(() => document.documentElement.lang)) === "zh-CN", "the document says its language");
  await page.getByRole("link", { name: "alpha" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: /^账户/ }).click();
  await shot(page, "shell", "chinese");
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("link", { name: "Alerts" }).first().waitFor();
  await page.reload();
  await page.getByRole("link", { name: "Alerts" }).first().waitFor();
  clean(page);
});

await part("the palette goes to hosts and pages, the help tells the keys", async () => {
  const made = await world({ staged: true });
  const hosts = Array.from({ length: 30 }, (_, at) => host(at + 1, { name: `web-${at + 1}`, tag: "production" }));
  await made.hub.set({ hosts: [...hosts, host(99, { name: "database", presence: "offline" })] });
  const page = await open(made);
  await page.getByRole("link", { name: "database" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Go to or do" }).waitFor();
  await page.keyboard.type("datab");
  await page.getByRole("option", { name: /database/ }).waitFor();
  await accessible(page);
  await shot(page, "shell", "palette");
  await page.keyboard.press("Enter");
  await until("the host's address", () => new URL(page.url()).pathname === "/ui/hosts/99");
  await page.keyboard.press("]");
  await until("the next host's address", () => new URL(page.url()).pathname === "/ui/hosts/1");
  await page.keyboard.press("[");
  await until("the host's address again", () => new URL(page.url()).pathname === "/ui/hosts/99");
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await until("the fleet's address", () => new URL(page.url()).pathname === "/");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await accessible(page);
  await shot(page, "shell", "help");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  clean(page);
});

await part("the Worker goes and comes back, and the page says so", async () => {
  const made = await world({ staged: true });
  await made.hub.set({ hosts: [host(1, { name: "alpha" })] });
  const page = await open(made);
  await until("the page to be live", () => page.getByText("Live", { exact: true }).isVisible());
  await made.hub.push({ hosts: [], banner: "Slowed down." });
  await page.getByRole("alert").getByText("Slowed down.").waitFor();
  await made.control("POST", "/kill");
  await page.getByText(/^Again in/).waitFor();
  await made.control("POST", "/start");
  await made.hub.set({ hosts: [host(1, { name: "alpha" })] });
  await until("the page to be live again", () => page.getByText("Live", { exact: true }).isVisible(), 60_000);
});

await part("a hidden tab stops listening and catches up when it is seen", async () => {
  const made = await world({ staged: true });
  await made.hub.set({ hosts: [host(1, { name: "alpha" })] });
  const page = await open(made);
  await until("the page to be live", () => page.getByText("Live", { exact: true }).isVisible());
  await until("a viewer", async () => (await made.hub.push({ hosts: [] })).viewers === 1);
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  await page.getByText("Paused", { exact: true }).waitFor();
  await until("no viewer", async () => (await made.hub.push({ hosts: [] })).viewers === 0);
  await made.hub.set({ hosts: [host(1, { name: "renamed" })] });
  await hide(false);
  await page.getByRole("link", { name: "renamed" }).waitFor();
  clean(page);
});

await part("what is not there, on a phone", async () => {
  const made = await world({ staged: true });
  const page = await open(made, "/ui/hosts/7/nothing", { width: 360, height: 740 });
  await page.getByText("There is nothing at this address").waitFor();
  await fitsWidth(page);
  await accessible(page);
  await page.getByRole("link", { name: "To the fleet" }).click();
  await page.getByText("No hosts yet").waitFor();
  clean(page);
  const manifest = await page.evaluate(async () => (await fetch(document.querySelector("link[rel=manifest]").href)).json());
  for (const { src, sizes } of manifest.icons) {
    const reply = await page.request.get(src);
    check(reply.status() === 200, `${src} (${sizes}) is there`);
  }
});

await finish();
