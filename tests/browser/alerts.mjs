// Alerts, rules, probes and Proxmox as people use them: a rule is made by its form, a host's report sets it off, somebody acknowledges,
// it clears, and the history knows; a probe is made and its delays are drawn; a cluster of five hundred guests and twenty thousand
// backups is looked through.

import { accessible, check, clean, finish, fitsWidth, open, part, shot, until, world } from "./kit.mjs";

const V1 = "/api/edgewatch/v1";
const GIB = 2 ** 30;

/** A host that reports by POST what a part of the scenario wants. */
async function reporter(made, name) {
  const { id, secret } = await made.addHost(name);
  let number = 0;
  return {
    id,
    secret,
    async report(values) {
      number += 1;
      const now = Date.now();
      const body = { agent_version: "0.1.0", sent_at_ms: now, oldest: number, period_s: 10, samples: [{ number, at_ms: now, ...values }] };
      const reply = await fetch(`${made.url}/agent/v1/reports`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${secret}` }, body: JSON.stringify(body) });
      check(reply.status === 200, `the report was answered with ${reply.status}: ${await reply.text()}`);
      // What rules found is written by the schedule's next run.
      await made.control("POST", "/cron", { time_ms: now });
    },
  };
}

await part("a rule is made by its form, sets off an alert, which is acknowledged, clears, and is history", async () => {
  const made = await world();
  const host = await reporter(made, "fra-1");
  await host.report({ load1: 1, cpu_percent: 5 });
  await made.api("POST", `${V1}/channels`, { name: "ops", kind: "webhook", group: "ops", url: "https://hooks.example.com/x" });
  const page = await open(made, "/ui/rules");
  await page.getByText("No rules yet").waitFor();
  await accessible(page);
  await page.getByRole("link", { name: "New rule" }).first().click();
  await page.getByRole("heading", { name: "New rule" }).waitFor();

  // What cannot be is said at its field, before anything is sent and after.
  await page.getByRole("button", { name: "Create the rule" }).click();
  await page.getByText("This is needed.").waitFor();
  check(await page.getByLabel("Name", { exact: true }).evaluate((input) => input === document.activeElement && input.getAttribute("aria-invalid") === "true"), "the field that is wrong has the focus");
  await page.getByLabel("Name", { exact: true }).fill("Load high");
  await page.getByLabel("Value", { exact: true }).selectOption("load1");
  await page.getByLabel("Above", { exact: true }).fill("4");
  await page.getByLabel("Clear at", { exact: true }).fill("5");
  await page.getByLabel("For at least", { exact: true }).fill("0");
  await page.getByRole("button", { name: "Create the rule" }).click();
  await page.getByText("What has recovered would still fail").waitFor();
  await page.getByLabel("Clear at", { exact: true }).fill("2");
  await page.getByLabel("Notification group").fill("op\u0007s");
  await page.getByRole("button", { name: "Create the rule" }).click();
  await page.getByText("Holds control characters").waitFor();
  await page.getByLabel("Notification group").fill("nobody");
  await page.getByText("No channel is in this group").waitFor();
  await page.getByLabel("Notification group").fill("ops");
  await page.getByText("Watches all hosts. When 1-minute load of one of them is above 4 (over only when back at 2 or less)").waitFor();
  await page.getByText("It looks at 1 host now.").waitFor();
  await accessible(page);
  await shot(page, "rules", "new", { fullPage: true });
  await page.getByRole("button", { name: "Create the rule" }).click();
  const row = page.locator(".rule-row", { hasText: "Load high" });
  await row.waitFor();
  check((await row.textContent()).includes("1-minute load > 4"), "the list says what it watches");

  // Nothing is wrong, then something is: the page hears of it by itself.
  await page.goto("/ui/alerts");
  await page.getByText("All is well").waitFor();
  await accessible(page);
  await shot(page, "alerts", "well");
  await host.report({ load1: 9.5, cpu_percent: 5 });
  const alert = page.locator(".alert-row", { hasText: "Load high" });
  await alert.waitFor();
  const words = await alert.textContent();
  check(words.includes("fra-1") && words.includes("load1 9.5") && words.includes("Critical"), `the alert says where and what: ${words}`);
  check((await page.title()).startsWith("(1) "), "the tab counts it");
  await shot(page, "alerts", "active");
  await alert.getByRole("button", { name: "Acknowledge" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Note").fill("The nightly build.\n<b>It ends at six.</b>");
  await accessible(page);
  await shot(page, "alerts", "acknowledge");
  await dialog.getByRole("button", { name: "Acknowledge" }).click();
  await alert.getByText("admin knows").waitFor();
  check((await alert.locator("q b").count()) === 0 && (await alert.locator("q").textContent()).includes("<b>It ends"), "a note is text");
  check(!(await page.title()).startsWith("("), "nothing waits for somebody any more");
  await page.getByLabel("Filter by host").fill("par");
  await page.getByText("No alert matches.").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await alert.waitFor();

  // The list of rules counts it; the rule's alert ends when the host is well again.
  await page.goto("/ui/rules");
  await page.getByRole("link", { name: "1 alert" }).waitFor();
  await host.report({ load1: 1, cpu_percent: 5 });
  await page.goto("/ui/alerts?tab=history");
  const over = page.locator(".alert-row", { hasText: "Load high" });
  await over.waitFor();
  check((await over.textContent()).includes("lasted"), "it is over");
  check((await over.textContent()).includes("The nightly build."), "the note stays");
  await accessible(page);
  await shot(page, "alerts", "history");
  await page.getByRole("button", { name: "Events" }).click();
  await page.locator(".alert-event", { hasText: "Recovered" }).waitFor();
  await accessible(page);
  await shot(page, "alerts", "events");

  // A copy for other hosts, a duplicate, a switch, an end.
  await page.goto("/ui/rules");
  await row.getByRole("button", { name: "Copy to others" }).click();
  const copy = page.getByRole("dialog");
  await copy.getByRole("button", { name: "Make the copy" }).click();
  await copy.getByText("Choose at least one host.").waitFor();
  await copy.getByRole("checkbox", { name: "fra-1" }).check();
  await accessible(page);
  await copy.getByRole("button", { name: "Make the copy" }).click();
  const copied = page.locator(".rule-row", { hasText: "Load high (copy)" });
  await copied.waitFor();
  await copied.getByRole("link", { name: "Duplicate" }).click();
  await page.getByRole("heading", { name: "Copy of a rule" }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("Third");
  await page.getByRole("button", { name: "Add a condition" }).click();
  await page.getByLabel("Watches").last().selectOption("transfer");
  await page.getByRole("button", { name: "Tell another group" }).click();
  await shot(page, "rules", "conditions", { fullPage: true });
  await accessible(page);
  await page.getByRole("button", { name: "Create the rule" }).click();
  const third = page.locator(".rule-row", { hasText: "Third" });
  await third.waitFor();
  await third.getByRole("switch").click();
  await page.getByText("Third is off.").waitFor();
  const { rules } = await made.api("GET", `${V1}/rules`);
  const saved = rules.find((rule) => rule.name === "Third");
  check(saved.enabled === false && saved.hosts[0] === host.id && saved.conditions.length === 2 && saved.conditions[1].cycle.unit === "month", `the server has it: ${JSON.stringify(saved)}`);
  check(saved.conditions[1].above === 900e9 && saved.escalate[0].after_s === 900, `in its own units: ${JSON.stringify(saved)}`);
  await third.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await third.waitFor({ state: "detached" });

  // Quiet hours.
  await page.getByLabel("Keep quiet hours").check();
  await page.getByLabel("Time zone").fill("Mars/Olympus");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Is not known; such as Europe/Berlin").waitFor();
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Quiet hours are saved.").waitFor();
  const { quiet_hours: quiet } = await made.api("GET", `${V1}/quiet-hours`);
  check(quiet.time_zone === "Europe/Berlin" && quiet.from === "22:00", JSON.stringify(quiet));
  await accessible(page);
  await shot(page, "rules", "list", { fullPage: true });
  // The two refusals above are what this part asked for.
  page.complaints = page.complaints.filter((one) => !(one.includes("status of 400") && (one.includes("/rules") || one.includes("/quiet-hours"))));
  clean(page);
});

await part("a probe is made, its delays are drawn by host, and it goes", async () => {
  const made = await world();
  const [one, two] = [await reporter(made, "fra-1"), await reporter(made, "par-1")];
  const page = await open(made, "/ui/probes");
  await page.getByText("No probes yet").waitFor();
  await accessible(page);
  await page.getByRole("link", { name: "New probe" }).first().click();
  await page.getByLabel("Port (TCP)").check();
  await page.getByLabel("Name", { exact: true }).fill("Mail");
  await page.getByLabel("Target").fill("mail.example.com");
  await page.getByRole("button", { name: "Create the probe" }).click();
  await page.getByText("A host and its port, such as").first().waitFor();
  await page.getByLabel("Target").fill("mail.example.com:587");
  await accessible(page);
  await shot(page, "probes", "new", { fullPage: true });
  await page.getByRole("button", { name: "Create the probe" }).click();
  await page.getByRole("heading", { name: "Mail" }).waitFor();
  const id = Number(page.url().split("/").pop());
  for (let at = 0; at < 4; at += 1) {
    await one.report({ load1: 1, probes: [{ id, delay_ms: 20 + at }] });
    await two.report({ load1: 1, probes: [{ id, ...(at === 2 ? {} : { delay_ms: 60 + at }), ...(at === 2 ? { note: "<i>refused</i>" } : {}) }] });
  }
  await page.reload();
  // How probes fared is told at most a minute late, and without a result there is nothing to draw.
  await page.locator(".probe-line").nth(1).waitFor({ state: "attached", timeout: 120_000 });
  const table = page.locator(".probe-table");
  check((await table.textContent()).includes("fra-1") && (await table.textContent()).includes("75"), `the table says who was answered how often: ${await table.textContent()}`);
  await page.locator(".probe-chart").focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator(".probe-tip").waitFor();
  await accessible(page);
  await shot(page, "probes", "one", { fullPage: true });
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Only some").check();
  await page.getByRole("checkbox", { name: "fra-1" }).check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("1 host", { exact: true }).waitFor();
  const kept = await made.api("GET", `${V1}/probes/${id}`);
  check(JSON.stringify(kept.hosts) === JSON.stringify({ only: [one.id] }) && kept.target === "mail.example.com:587", JSON.stringify(kept));
  await page.goto("/ui/probes");
  await page.locator(".probe-row", { hasText: "Mail" }).waitFor();
  await accessible(page);
  await shot(page, "probes", "list");
  await page.getByRole("link", { name: "Mail" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("No probes yet").waitFor();
  clean(page);
});

/** An agent's side of the socket by which it tells what it polls, as agents do; of a cluster of any size. */
async function collector(made, secret, { nodes, guests, backups, snapshots }) {
  const socket = new WebSocket(`${made.url.replace(/^http/, "ws")}/agent/v1/proxmox`, { headers: { authorization: `Bearer ${secret}` } });
  const heard = [];
  socket.addEventListener("message", ({ data }) => heard.push(JSON.parse(String(data))));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the collector's socket is refused")));
  });
  const hear = (t, more = () => true) => until(`the answer ${t}`, async () => {
    const at = heard.findIndex((message) => message.t === t && more(message));
    return at >= 0 ? heard.splice(at, 1)[0] : undefined;
  });
  const say = (message) => socket.send(JSON.stringify(message));
  say({ t: "hello", version: 1, run: "r1", sent_at_ms: Date.now(), local: [{ key: "lab", kind: "pve", name: "lab", host: "https://192.0.2.10:8006" }] });
  const instance = (await hear("welcome")).instances[0].id;
  const section = async (name, rows) => {
    const parts = Math.max(1, Math.ceil(rows.length / 1_500));
    for (let at = 0; at < parts; at += 1) say({ t: "section", instance, name, hash: `h-${name}`, part: at + 1, parts, body: rows.slice(at * 1_500, (at + 1) * 1_500) });
    await hear("kept", (message) => message.hash === `h-${name}`);
  };
  const node = (at) => `node${String(at % nodes + 1).padStart(2, "0")}`;
  const kind = (at) => (at % 10 < 7 ? 0 : 1);
  const now = Math.floor(Date.now() / 1000);
  const numbers = (count) => Array.from({ length: count }, (_, at) => at);
  await section("census", [
    { cluster: { is_cluster: true, name: "big", endpoints: [] } },
    ...numbers(nodes).map((at) => ({ node: { name: node(at), pve_version: "pve-manager/8.4.9/649acf70", cores: 16, sockets: 1 } })),
    ...numbers(guests).map((at) => ({ guest: { vmid: 100 + at, kind: kind(at), node: node(at), name: `${["web", "db", "cache", "<b>mail</b>"][at % 4]}-${at}`, cpus: 4 } })),
    ...numbers(nodes).map((at) => ({ storage: { name: "local", node: node(at), kind: "dir", content: "backup" } })),
    { storage: { name: "vault", node: node(0), kind: "nfs", content: "backup", is_shared: true, shared: true } },
  ]);
  await section("backups/vault", numbers(backups).map((at) => ({ volid: `vault:backup/${at}`, kind: kind(at % guests) === 0 ? "qemu" : "lxc", vmid: 100 + (at % guests), at_s: now - at * 600, size: 5 * GIB, notes: at % 3 ? "" : "nightly", protected: at % 50 === 0 })));
  await section("snapshots/0", numbers(snapshots).map((at) => ({ vmid: 100 + (at % guests), kind: kind(at % guests), node: node(at % guests), name: `before-${at}`, at_s: now - at * 3_600 })));
  let frames = 0;
  return {
    end: () => socket.close(),
    async poll(error) {
      frames += 1;
      const poll = error
        ? { at_ms: Date.now(), took_ms: 40, error: { kind: "tls", text: error } }
        : {
            at_ms: Date.now(),
            took_ms: 40,
            nodes: numbers(nodes).map((at) => (at === 1 ? { name: node(at), status: "offline" } : { name: node(at), status: "online", cpu: (at * 17 % 100) / 100, mem_used: (at + 3) * 2 * GIB, mem_total: 64 * GIB, disk_used: (at + 5) * 3 * GIB, disk_total: 94 * GIB, uptime_s: 1_209_600 + at, load: [0.5, 0.6, 0.7] })),
            guests: numbers(guests).map((at) => [100 + at, kind(at), at % 9 === 3 ? 0 : 1, (at * 37 % 100) / 100, at % 7 * GIB, 8 * GIB, 0, 64 * GIB, at * 1_000, at * 300, 0, 0, 86_400 + at]),
            storages: [["vault", node(0), "available", 3_000 * GIB, 4_000 * GIB, 1_000 * GIB], ...numbers(nodes).map((at) => ["local", node(at), "available", (at + 10) * GIB, 94 * GIB, (84 - at) * GIB])],
          };
      say({ t: "frame", instance, n: frames, sent_at_ms: Date.now(), polls: [poll] });
      await hear("durable", (message) => message.n === frames);
    },
  };
}

await part("a cluster of five hundred guests and twenty thousand backups is looked through", async () => {
  const made = await world();
  const page = await open(made, "/ui/proxmox");
  await page.getByText("No Proxmox server yet").waitFor();
  await page.getByRole("button", { name: "Add a server" }).click();
  await page.getByLabel("Address").fill("not an address");
  await page.getByRole("button", { name: "Make the commands" }).click();
  await page.getByText("An address such as https://192.0.2.10:8006.").waitFor();
  await page.getByLabel("Address").fill("192.0.2.10");
  await page.getByRole("button", { name: "Make the commands" }).click();
  const command = await page.locator(".ui-copy code", { hasText: "curl" }).textContent();
  const run = await page.locator(".ui-copy code", { hasText: "PULSE_REG_TOKEN" }).textContent();
  await accessible(page);
  await shot(page, "proxmox", "add");
  // What the page says is what works: the address gives a script, and the token registers a server.
  const address = /'(http[^']+)'/.exec(command)[1];
  const script = await (await fetch(address)).text();
  check(script.startsWith("#!") && script.includes("192.0.2.10:8006"), `the script is for this server: ${script.slice(0, 200)}`);
  const token = /PULSE_REG_TOKEN=(\S+) bash/.exec(run)[1];
  const { tokens } = { tokens: await (await fetch(`${made.url}/api/tokens/list`, { headers: { "x-api-token": made.token } })).json() };
  check(JSON.stringify(tokens).includes(token), "the token is one of the server's");
  await page.keyboard.press("Escape");

  const host = await reporter(made, "collector");
  const agent = await collector(made, host.secret, { nodes: 20, guests: 500, backups: 20_000, snapshots: 2_000 });
  try {
    await agent.poll();
    await page.reload();
    await page.locator(".px-node").nth(19).waitFor();
    check((await page.locator(".px-node", { hasText: "node02" }).textContent()).includes("Offline"), "a node is offline");
    await page.getByRole("cell", { name: "Polled", exact: true }).waitFor();
    await accessible(page);
    await shot(page, "proxmox", "nodes");

    await page.getByRole("button", { name: /^Guests/ }).click();
    await page.getByText("500 of 500").waitFor();
    check((await page.locator(".px-row").count()) < 80, "only rows in view are drawn");
    check((await page.locator(".px-table b").count()) === 0, "a guest's name is text");
    const heads = page.locator(".px-table thead");
    await heads.getByRole("button", { name: /^CPU/ }).click();
    await heads.getByRole("button", { name: /^CPU/ }).click();
    check((await page.locator(".px-row").first().textContent()).includes("99 %"), "the busiest comes first");
    await page.getByLabel("Name, number, tag").fill("cache-10");
    await page.getByText("3 of 500").waitFor();
    await accessible(page);
    await page.getByLabel("Name, number, tag").fill("");
    await shot(page, "proxmox", "guests");

    await page.getByRole("button", { name: /^Storage/ }).click();
    await page.getByRole("rowheader", { name: "vault" }).waitFor();
    await accessible(page);
    await shot(page, "proxmox", "storage");

    await page.getByRole("button", { name: /^Backups/ }).click();
    await page.getByText(/20,000 of 20,000/).waitFor();
    check((await page.locator(".px-row").count()) < 80, "only backups in view are drawn");
    // To the end and back: rows are there wherever one looks.
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await until("the last rows", () => page.evaluate(() => [...document.querySelectorAll(".px-row")].some((row) => row.getAttribute("aria-rowindex") === "20001" && row.getBoundingClientRect().top < innerHeight)));
    await page.evaluate(() => window.scrollTo(0, 0));
    const begun = Date.now();
    await page.getByLabel("Age", { exact: true }).selectOption("day");
    await page.getByText(/14[45] of 20,000/).waitFor();
    check(Date.now() - begun < 5_000, `filtering twenty thousand takes ${Date.now() - begun} ms`);
    await page.getByLabel("Age", { exact: true }).selectOption("any");
    await page.getByLabel("Guest or note").fill("web-4");
    await accessible(page);
    await page.getByLabel("Guest or note").fill("");
    await shot(page, "proxmox", "backups");

    await page.getByRole("button", { name: /^Snapshots/ }).click();
    await page.getByText(/2,000 of 2,000/).waitFor();
    await accessible(page);
    await shot(page, "proxmox", "snapshots");

    await agent.poll("the certificate is another one than the one that is pinned");
    await page.goto("/ui/proxmox");
    await page.getByText("the certificate is another one").waitFor();
    await page.getByRole("cell", { name: "Failing", exact: true }).waitFor();
    clean(page);

    // On a phone, in the dark and in Chinese.
    const phone = await open(made, "/ui/proxmox", { theme: "dark", width: 360, height: 740, language: "zh" });
    await phone.locator(".px-node").first().waitFor();
    for (const tab of ["nodes", "guests", "storage", "backups", "snapshots"]) {
      await phone.goto(`/ui/proxmox?tab=${tab}`);
      await phone.locator(tab === "nodes" ? ".px-node" : tab === "storage" ? ".ui-table tbody tr" : ".px-row").first().waitFor();
      await fitsWidth(phone);
      await accessible(phone);
      await shot(phone, "proxmox", `phone-${tab}`);
    }
    clean(phone);
  } finally {
    agent.end();
  }
});

await part("every page stands on a phone, in the dark, in Chinese, and for who only looks", async () => {
  const made = await world();
  const host = await reporter(made, "fra-1");
  await made.api("POST", `${V1}/rules`, { name: "Load high", conditions: [{ metric: "load1", above: 4 }], tags: [], escalate: [{ after_s: 900, group: "boss" }] });
  await made.api("POST", `${V1}/probes`, { name: "Web", kind: "http", target: "https://example.com/", public: true });
  await host.report({ load1: 9, probes: [{ id: 1, delay_ms: 20, tls_expires_s: Math.floor(Date.now() / 1000) + 5 * 86_400 }] });
  const pages = [
    ["/ui/alerts", ".alert-row"], ["/ui/alerts?tab=history", ".ui-empty"], ["/ui/alerts?tab=events", ".alert-event"], ["/ui/rules", ".rule-row"], ["/ui/rules/new", ".rule-form"],
    ["/ui/rules/1", ".rule-form"], ["/ui/probes", ".probe-row:not(.probe-heads)"], ["/ui/probes/1", ".probe-month"], ["/ui/probes/new", ".probe-form"], ["/ui/proxmox", ".ui-empty"],
  ];
  for (const [theme, width, language] of [["dark", 360, "en"], ["dark", 1280, "zh"], ["light", 360, "zh"]]) {
    const page = await open(made, "/ui/alerts", { theme, width, height: 740, language });
    for (const [address, there] of pages) {
      await page.goto(address);
      await page.locator(there).first().waitFor();
      check(!/\b(alerts|rules|probes|proxmox|common)\.[a-z_]+/.test(await page.locator("main").innerText()), `a message is missing at ${address}`);
      await fitsWidth(page);
      await accessible(page);
      const name = address.replace(/^\/ui\//, "").replace(/[^a-z0-9]+/g, "-");
      await shot(page, "alerts", `${width < 600 ? "phone" : "wide"}-${language}-${name}`, { fullPage: true });
    }
    clean(page);
  }

  await made.api("POST", `${V1}/users`, { username: "looker", role: "viewer", password: made.password });
  const viewer = await open(made, "/ui/alerts", { loggedIn: false });
  await viewer.getByLabel("Name", { exact: true }).fill("looker");
  await viewer.getByLabel("Password", { exact: true }).fill(made.password);
  await viewer.getByRole("button", { name: "Log in" }).click();
  await viewer.locator(".alert-row").waitFor();
  check((await viewer.getByRole("button", { name: "Acknowledge" }).count()) === 0, "who only looks acknowledges nothing");
  await viewer.goto("/ui/rules");
  await viewer.getByText("This page is for administrators").waitFor();
  await viewer.goto("/ui/probes/1");
  await viewer.getByRole("heading", { name: "Web" }).waitFor();
  check((await viewer.getByRole("link", { name: "Edit" }).count()) === 0, "nor changes a probe");
  await viewer.goto("/ui/proxmox");
  await viewer.getByText("No Proxmox server yet").waitFor();
  check((await viewer.getByRole("button", { name: "Add a server" }).count()) === 0, "nor adds a server");
  clean(viewer);
});

await finish();
