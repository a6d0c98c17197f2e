// The page of guests: what is shown, what is not, how it looks.

import { accessible, check, clean, finish, fitsWidth, open, part, shot, until, world } from "./kit.mjs";

/** Two hosts with samples, one of them hidden, and a probe that is public. */
async function scene() {
  const made = await world();
  const [shown, hidden, down] = [await made.addHost("alpha"), await made.addHost("zeta-hidden"), await made.addHost("omega")];
  const now = Date.now();
  for (const [host, probes] of [[shown, [{ id: 1, delay_ms: 48 }]], [hidden, []]]) {
    const facts = { platform: "debian", mem_total_bytes: 16e9, disk_total_bytes: 500e9 };
    const samples = [{ number: 1, at_ms: now, cpu_percent: 16, mem_used_bytes: 4e9, disk_used_bytes: 180e9, net_in_bytes_per_s: 12345, net_out_bytes_per_s: 6789, uptime_s: 1_123_200, probes }];
    const reply = await fetch(`${made.url}/agent/v1/reports`, {
      method: "POST",
      headers: { authorization: `Bearer ${host.secret}` },
      body: JSON.stringify({ agent_version: "0.1.0", sent_at_ms: now, oldest: 1, period_s: 10, host: facts, samples }),
    });
    check(reply.status === 200, `the report was answered with ${reply.status}`);
  }
  await made.api("POST", "/api/edgewatch/v1/probes", { name: "Website", kind: "http", target: "https://target.example/", public: true });
  await made.api("PATCH", `/api/edgewatch/v1/hosts/${shown.id}`, { group: "Frankfurt", tags: ["web"], note: "private words", public_note: "Maintenance every first Sunday." });
  await made.api("PATCH", `/api/edgewatch/v1/hosts/${down.id}`, { hidden_for_guest: false });
  return made;
}

await part("an administrator lets guests in, and they see what is not hidden and nothing else", async () => {
  const made = await scene();
  const closed = await open(made, "/", { loggedIn: false });
  await closed.getByRole("heading", { name: "Log in" }).waitFor();

  const page = await open(made, "/ui/settings/guests");
  await page.getByText("The status page", { exact: true }).click();
  await page.getByLabel("Title").fill("Example services");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByRole("switch", { name: /alpha/ }).check();
  await page.getByText("2 of 3 shown").waitFor();
  await until("the host to be shown", async () => {
    const { hosts } = await made.api("GET", "/api/edgewatch/v1/hosts");
    return hosts.some((host) => host.name === "alpha" && !host.hidden_for_guest);
  });
  await accessible(page);
  await shot(page, "settings", "guests-on", { fullPage: true });
  clean(page);

  const bodies = [];
  const guest = await open(made, "/ui/login", { loggedIn: false });
  guest.on("response", async (response) => bodies.push(await response.text().catch(() => "")));
  guest.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => bodies.push(String(payload))));
  await guest.goto("/");
  await guest.getByRole("heading", { name: "Example services" }).waitFor();
  await guest.getByRole("heading", { name: "alpha" }).waitFor();
  check((await guest.title()) === "Example services", "the tab has the title");
  await guest.getByText("All systems are up.").waitFor();
  await guest.getByText("Maintenance every first Sunday.").waitFor();
  await guest.getByRole("heading", { name: "Frankfurt" }).waitFor();
  await guest.getByRole("heading", { name: "Website" }).waitFor();
  check((await guest.getByRole("meter", { name: "Memory" }).count()) === 1, "meters of the one that reports");
  check((await guest.getByRole("link", { name: "Settings" }).count()) === 0, "no way to what is not theirs");
  await until("the socket's first message", () => bodies.some((body) => body.includes("snapshot")));
  for (const secret of ["zeta-hidden", "private words", "target.example"]) {
    check(!bodies.some((body) => body.includes(secret)), `a response tells ${secret}`);
  }
  await accessible(guest);
  await shot(guest, "guest", "wide", { fullPage: true });
  clean(guest);

  // What changes is seen without loading anew.
  await made.api("PATCH", "/api/edgewatch/v1/hosts/1", { name: "alpha-renamed" });
  await guest.getByRole("heading", { name: "alpha-renamed" }).waitFor();
  await made.api("PATCH", "/api/edgewatch/v1/hosts/1", { hidden_for_guest: true });
  await guest.getByRole("heading", { name: "alpha-renamed" }).waitFor({ state: "detached" });
  clean(guest);
});

await part("the page of guests is dark when it is to be, fits a phone, and speaks Chinese", async () => {
  const made = await scene();
  await made.api("PATCH", "/api/edgewatch/v1/hosts/1", { hidden_for_guest: false });
  await made.api("PATCH", "/api/edgewatch/v1/settings", { guest_view: "status", guest_theme: "dark" });
  const wide = await open(made, "/", { loggedIn: false });
  await wide.getByRole("heading", { name: "Status" }).waitFor();
  await until("the theme that was set", () => wide.evaluate(() => document.documentElement.dataset.theme === "dark"));
  await accessible(wide);
  wide.theme = "dark";
  await shot(wide, "guest", "wide", { fullPage: true });
  await wide.getByRole("button", { name: "Theme" }).click();
  check((await wide.evaluate(() => document.documentElement.dataset.theme)) === "light", "a guest may choose another");
  await wide.emulateMedia({ media: "print" });
  check(!(await wide.getByRole("button", { name: "Theme" }).isVisible()), "no buttons on paper");
  clean(wide);
  const phone = await open(made, "/", { loggedIn: false, theme: "dark", width: 360, height: 740, language: "zh" });
  await phone.getByRole("heading", { name: "服务状态" }).waitFor();
  await phone.getByText("所有系统运行正常。").waitFor();
  await accessible(phone);
  await fitsWidth(phone);
  await shot(phone, "guest", "phone-chinese", { fullPage: true });
  clean(phone);
});

await part("with the view password hidden hosts are shown too", async () => {
  const made = await scene();
  await made.api("PATCH", "/api/edgewatch/v1/settings", { guest_view: "status", view_password: "open sesame" });
  const page = await open(made, "/", { loggedIn: false });
  await page.getByRole("button", { name: "View password" }).click();
  await page.getByLabel("View password", { exact: true }).fill("open sesame");
  await page.getByRole("button", { name: "Look" }).click();
  await page.getByRole("heading", { name: "zeta-hidden" }).waitFor();
  check(!(await page.content()).includes("private words"), "private notes are for administrators");
  clean(page);
});

await finish();
