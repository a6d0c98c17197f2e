// What the scenarios in a real browser share: a Worker on workerd, perhaps a real agent, a Chromium, and what is asked of every page.
// README.md beside it tells how a scenario is written and run.

import childProcess from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import module from "node:module";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const ROOT = path.resolve(HERE, "../..");
const SCREENSHOTS = process.env.EDGEWATCH_SCREENSHOTS ?? path.join(ROOT, "target/screenshots");
/** Longer than anything here takes on a busy machine. */
export const PATIENCE_MS = 30_000;
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic"];

const ends = [];
let failed = 0;
/** The one browser of a scenario file. */
let opened;

/** Runs one part of a scenario file; what it starts ends with it. A failure is told with its name, and the others run all the same. */
export async function part(name, run) {
  const begun = Date.now();
  const before = ends.length;
  try {
    await run();
    process.stdout.write(`ok      ${name} (${Date.now() - begun} ms)\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`FAILED  ${name}\n${String(error?.stack ?? error).replace(/^/gm, "        ")}\n`);
  } finally {
    await endAllButFirst(before);
  }
}

/** Ends what was started; the file's last line. */
export async function finish() {
  await endAllButFirst(0);
  await opened?.close();
  process.exit(failed === 0 ? 0 : 1);
}

async function endAllButFirst(kept) {
  while (ends.length > kept) await ends.pop()().catch((error) => process.stderr.write(`${error.stack}\n`));
}

export function check(holds, words) {
  if (!holds) throw new Error(words);
}

/** Waits until something is so; gives what it gave. */
export async function until(words, probe, patienceMs = PATIENCE_MS) {
  const deadline = Date.now() + patienceMs;
  let last;
  for (;;) {
    try {
      const found = await probe();
      if (found) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`waited in vain for ${words}${last ? `: ${last.message}` : ""}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Starts a Worker with an empty database and, unless `admin` is false, an administrator `admin` with `password`.
 * `staged`: its hub says what `hub.set` and `hub.push` tell it, as tests/stage does.
 */
export async function world({ staged = false, admin = true, vars = {} } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "edgewatch-browser-"));
  ends.push(async () => fs.rmSync(folder, { recursive: true, force: true }));
  const args = [path.join(ROOT, "tests/harness/edge.mjs"), "--stdin"];
  const key = crypto.randomBytes(32).toString("base64");
  for (const [name, value] of Object.entries({ EDGEWATCH_KEY: key, PLAN: "own", ...vars })) args.push("--var", `${name}=${value}`);
  if (staged) args.push("--build", stagedBuild(folder));
  const log = fs.openSync(path.join(folder, "worker.log"), "w");
  const edge = childProcess.spawn(process.execPath, args, { stdio: ["pipe", "pipe", log] });
  ends.push(async () => {
    const gone = new Promise((resolve) => edge.once("exit", resolve));
    edge.stdin.end();
    await gone;
  });
  const line = await new Promise((resolve, reject) => {
    readline.createInterface(edge.stdout).once("line", resolve);
    edge.once("exit", () => reject(new Error(`the Worker did not start: ${fs.readFileSync(path.join(folder, "worker.log"), "utf8").slice(-2000)}`)));
  });
  const { url, control } = JSON.parse(line);
  const made = {
    url,
    folder,
    password: "correct horse battery",
    token: "",
    /** A call of the harness's control port, such as POST /kill. */
    control: (method, call, body = {}) => json(method, control + call, body),
    /** A call of an API with the administrator's token. */
    api: (method, call, body) => json(method, url + call, body, { authorization: made.token }),
    /** What the Worker has logged. */
    log: () => fs.readFileSync(path.join(folder, "worker.log"), "utf8"),
    async setupLink() {
      const token = crypto.randomBytes(32).toString("hex");
      const hash = crypto.createHash("sha256").update(token).digest("hex");
      const now = Math.floor(Date.now() / 1000);
      await made.control("POST", "/sql", { sql: "INSERT INTO setup_links (token_hash, created_s, expires_s) VALUES (?, ?, ?)", params: [hash, now, now + 3600] });
      return token;
    },
    /** Registers a host as the bootstrap script does; `{ id, secret }`. */
    async addHost(name) {
      const { secret } = await made.api("POST", "/api/v1/server/register", { Name: name });
      const { result } = await made.api("GET", "/api/v1/server/list");
      return { id: Math.max(...result.filter((server) => server.name === name).map((server) => server.id)), secret };
    },
    /** Runs the built agent for a host. */
    agent: (secret, environment) => agent(made, secret, environment),
    hub: {
      set: (settings) => json("POST", `${url}/__hub/set`, settings),
      push: (digest) => json("POST", `${url}/__hub/push`, digest),
      watched: async () => (await json("POST", `${url}/__hub/watched`, {})).watched,
    },
  };
  if (admin) {
    const body = { token: await made.setupLink(), username: "admin", password: made.password };
    made.token = (await json("POST", `${url}/api/edgewatch/v1/setup`, body)).token;
  }
  return made;
}

async function json(method, url, body, headers = {}) {
  const reply = await fetch(url, { method, headers: { "content-type": "application/json", ...headers }, body: method === "GET" ? undefined : JSON.stringify(body ?? {}) });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${url}: ${reply.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** A copy of the built Worker with tests/stage/stage.mjs in its hub's place; as tests/stage/mod.rs makes it. */
function stagedBuild(folder) {
  const build = path.join(folder, "build");
  fs.mkdirSync(build);
  const index = fs.readFileSync(path.join(ROOT, "build/index.js"), "utf8");
  const start = index.lastIndexOf("export{");
  const end = index.indexOf("}", start);
  const exported = index.slice(start + "export{".length, end).split(",").map((one) => one.trim());
  const built = exported.find((one) => one.endsWith(" as default")).split(" as ")[0];
  const kept = exported.filter((one) => !one.endsWith(" as default") && !one.endsWith(" as Hub"));
  const stage = fs.readFileSync(path.join(ROOT, "tests/stage/stage.mjs"), "utf8")
    .replace("extends Built", `extends ${built}`)
    .replace("export class Hub", "class StagedHub")
    .replace("const stage =", "const __stage =")
    .replaceAll("stage.", "__stage.")
    .replaceAll("assign(stage,", "assign(__stage,");
  fs.writeFileSync(path.join(build, "index.js"), `${index.slice(0, start)}export{${kept.join(",")}}${index.slice(end + 1)}\n${stage}\nexport{StagedHub as Hub};\n`);
  fs.copyFileSync(path.join(ROOT, "build/index_bg.wasm"), path.join(build, "index_bg.wasm"));
  return build;
}

/** The agent that scripts/build-agent built, or the one that EDGEWATCH_AGENT names. */
export function agentBinary() {
  const arch = { x64: "x86_64", arm64: "aarch64" }[process.arch];
  const found = process.env.EDGEWATCH_AGENT ?? path.join(ROOT, `worker/public/download/edgewatch-agent-${arch}-unknown-linux-musl`);
  if (!fs.existsSync(found)) throw new Error(`no agent at ${found}; scripts/build-agent builds it`);
  return found;
}

function agent(made, secret, environment = {}) {
  const folder = fs.mkdtempSync(path.join(made.folder, "agent-"));
  fs.writeFileSync(path.join(folder, "secret"), secret, { mode: 0o600 });
  const log = fs.openSync(path.join(folder, "log"), "w");
  const env = { EDGEWATCH_URL: made.url, EDGEWATCH_SECRET_FILE: path.join(folder, "secret"), ...environment };
  const child = childProcess.spawn(agentBinary(), ["run", "--state-dir", path.join(folder, "state")], { env, stdio: ["ignore", log, log] });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  };
  ends.push(stop);
  return { stop, log: () => fs.readFileSync(path.join(folder, "log"), "utf8") };
}

async function browser() {
  if (opened) return opened;
  const folders = (process.env.PATH ?? "").split(":");
  const found = process.env.EDGEWATCH_BROWSER ?? NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => fs.existsSync(file));
  if (!found) throw new Error(`no Chromium: install Debian's package chromium, or name one in EDGEWATCH_BROWSER (looked for ${NAMES.join(", ")})`);
  opened = await chromium.launch({ executablePath: found, args: ARGUMENTS });
  return opened;
}

/**
 * A page in a context of its own. `loggedIn`: by the administrator's token. What the browser complains of is collected in
 * `page.complaints`, and `clean(page)` asserts that there is none.
 */
export async function open(made, address = "/", { theme = "light", width = 1280, height = 800, language = "en", loggedIn = true, reducedMotion = "no-preference" } = {}) {
  const context = await (await browser()).newContext({
    baseURL: made.url,
    viewport: { width, height },
    colorScheme: theme,
    locale: language === "zh" ? "zh-CN" : "en-GB",
    timezoneId: "Europe/Berlin",
    reducedMotion,
    hasTouch: width < 600,
  });
  ends.push(() => context.close());
  context.setDefaultTimeout(PATIENCE_MS);
  if (loggedIn) {
    const reply = await context.request.post("/api/edgewatch/v1/session", { data: { token: made.token }, headers: { "x-edgewatch-csrf": "1" } });
    check(reply.status() === 201, `the log-in was answered with ${reply.status()}`);
  }
  const page = await context.newPage();
  page.complaints = [];
  page.theme = theme;
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    // A browser tells of every refused request; that nobody is logged in is no mistake of the page.
    if (message.text().includes("status of 401") && message.location().url.endsWith("/api/edgewatch/v1/session")) return;
    page.complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => page.complaints.push(error.stack ?? error.message));
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && host !== new URL(made.url).host) page.complaints.push(`a request to ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

/** Nothing failed in the page, nothing was refused by the policy, and nobody else was asked. */
export function clean(page) {
  check(page.complaints.length === 0, `the browser complains:\n${page.complaints.join("\n")}`);
}

/** Writes what the page looks like to target/screenshots/<area>-<what>-<theme>.png. */
export async function shot(page, area, what, options = {}) {
  fs.mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, `${area}-${what}-${page.theme}.png`), animations: "disabled", ...options });
}

const axeSource = fs.readFileSync(module.createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** No finding of axe that is serious or worse. `options.except`: rules that a page has a reason against, which the caller tells. */
export async function accessible(page, { except = [] } = {}) {
  await page.evaluate(axeSource);
  const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
  const found = await page.evaluate(async (given) => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"], rules: given });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 3).map((node) => `    ${node.html.slice(0, 160)}\n    ${node.failureSummary?.replaceAll("\n", " ")}`).join("\n")}`);
  }, rules);
  check(found.length === 0, `axe finds in ${page.url()}:\n${found.join("\n")}`);
}

/** The page is not wider than its window. */
export async function fitsWidth(page) {
  const { wide, inner } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, inner: window.innerWidth }));
  check(wide <= inner, `the page is ${wide} px wide in a window of ${inner} px`);
}

/** A host as a digest of the hub has it. */
export function host(id, more = {}) {
  const piece = { id, public_id: `p${id}`, name: `host-${id}`, display_index: 0, presence: "online", last_seen_s: Math.floor(Date.now() / 1000), ...more };
  return { id, hidden: false, piece };
}
