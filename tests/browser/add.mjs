// Adding a host: the page makes a token and a command, a real agent follows it, and the page turns green.

import childProcess from "node:child_process";
import path from "node:path";

import { accessible, agentBinary, check, clean, finish, fitsWidth, open, part, shot, until, world } from "./kit.mjs";

await part("a host is added by the command of the page and turns green by a real agent", async () => {
  const made = await world();
  const page = await open(made, "/");
  await page.getByText("No hosts yet").waitFor();
  await page.getByRole("link", { name: "Add host" }).first().click();
  await page.getByRole("heading", { name: "Add host" }).waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Make the command" }).click();
  const command = await page.getByLabel("Command").textContent();
  const found = /^curl -fsSL (\S+)\/install\.sh \| NEZHA_TOKEN=(\S+) sh$/.exec(command);
  check(found && found[1] === made.url, `the command names this Worker: ${command.replace(/TOKEN=\S+/, "TOKEN=…")}`);
  check(!page.url().includes(found[2]), "the token is in no address");
  await page.getByText("Waiting for the first report").waitFor();
  await shot(page, "add", "waiting");
  await accessible(page);

  // What the script behind the command does: it registers by the token, and runs the agent with the secret that it got.
  const state = path.join(made.folder, "registered");
  const env = { EDGEWATCH_URL: made.url, EDGEWATCH_TOKEN: found[2], EDGEWATCH_SECRET_FILE: path.join(state, "secret"), PATH: process.env.PATH };
  childProcess.execFileSync("mkdir", ["-p", state]);
  const registered = childProcess.spawnSync(agentBinary(), ["register", "--state-dir", state], { env, encoding: "utf8" });
  check(registered.status === 0, `the agent registers: ${registered.stderr}`);
  const agent = childProcess.spawn(agentBinary(), ["run", "--state-dir", state], { env, stdio: "ignore" });
  try {
    const arrival = page.locator(".add-arrival-here");
    await arrival.waitFor({ timeout: 90_000 });
    check((await page.getByText("Waiting for the first report").count()) === 0, "nobody is waited for any more");
    await shot(page, "add", "arrived");
    await accessible(page);
    const wanted = await arrival.getByRole("link", { name: "Open the host" }).getAttribute("href");
    await page.goto("/");
    const row = page.locator(`.fleet-row[data-id="${wanted.split("/").pop()}"]`);
    await row.waitFor();
    await until("what the agent measured", async () => /\d %/.test(await row.locator(".fleet-memory").textContent()), 60_000);
    await shot(page, "fleet", "real-agent");
    clean(page);
  } finally {
    const gone = new Promise((resolve) => agent.once("exit", resolve));
    agent.kill("SIGTERM");
    await gone;
  }
  // The token was for one host.
  const again = childProcess.spawnSync(agentBinary(), ["register", "--state-dir", path.join(made.folder, "second")], { env: { ...env, EDGEWATCH_SECRET_FILE: path.join(made.folder, "second-secret") }, encoding: "utf8" });
  check(again.status !== 0, "the token is used up");
});

await part("a viewer adds no host, and the page fits a phone in the dark", async () => {
  const made = await world({ staged: true });
  await made.api("POST", "/api/edgewatch/v1/users", { username: "looker", role: "viewer", password: made.password });
  const viewer = await open(made, "/ui/add", { loggedIn: false });
  await viewer.getByLabel("Name", { exact: true }).fill("looker");
  await viewer.getByLabel("Password", { exact: true }).fill(made.password);
  await viewer.getByRole("button", { name: "Log in" }).click();
  await viewer.getByText("This page is for administrators").waitFor();
  clean(viewer);
  const phone = await open(made, "/ui/add", { theme: "dark", width: 360, height: 740 });
  await phone.getByRole("button", { name: "Make the command" }).click();
  await phone.getByText("Waiting for the first report").waitFor();
  await fitsWidth(phone);
  await accessible(phone);
  await shot(phone, "add", "phone", { fullPage: true });
  clean(phone);
});

await finish();
