// Runs the built Worker on workerd for days: starts it, lets people in once the migrations are applied, fires the schedule each minute,
// looks whether it answers, starts it again when it dies, and ends it in order. Started by scripts/serve, which tells the options.

import childProcess from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { VARIABLES, configuration, layOut } from "./config.mjs";
import { call, socketOf } from "./control.mjs";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const MINUTE_MS = 60_000;
/** How often it is looked whether the Worker answers, and how often in a row it may not. */
const HEALTH_EVERY_MS = 15_000;
const HEALTH_MISSES = 4;
/** How long workerd may take to end by itself: open sockets would hold it for ever. */
const STOP_MS = 5_000;
/** The longest pause before it is started again, and how long it must have run for the next pause to be the shortest again. */
const LONGEST_PAUSE_MS = 30_000;
const STABLE_MS = 60_000;

const { DATA: data, ADDRESS: address, PORT: port, BUILD: build, ASSETS: assets, TRUST: trust } = process.env;
const run = path.join(data, "run");
const objects = path.join(data, "objects");
const socket = socketOf(data);
const workerdFile = createRequire(path.join(ROOT, "package.json"))("workerd").default;

/** A line for the log: journald reads the level from its beginning. */
const LEVELS = { error: 3, warning: 4, info: 6 };
const toJournal = Boolean(process.env.JOURNAL_STREAM);
function log(level, words) {
  const line = words.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
  if (line === "") return;
  process.stderr.write(toJournal ? `<${LEVELS[level]}>${line}\n` : `${new Date().toISOString()} ${level} ${line}\n`);
}

let workerd;
let stopping = false;
let isReady = false;
let wasEverReady = false;

/** Passes on what workerd and the Worker say, a line at a time. */
function passOn(stream, level) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (part) => {
    const lines = (rest + part).split("\n");
    rest = lines.pop().slice(-100_000);
    for (const line of lines) log(line.includes('"level":"error"') ? "error" : level, line);
  });
  stream.on("end", () => log(level, rest));
}

function environment() {
  const set = VARIABLES.filter((name) => process.env[name]);
  return Object.fromEntries(set.map((name) => [name, process.env[name]]));
}

/** Starts workerd; gives a promise of its end. */
function begin(env) {
  fs.rmSync(socket, { force: true });
  const setpriv = process.platform === "linux" && fs.existsSync("/usr/bin/setpriv");
  const args = ["serve", path.join(run, "workerd.capnp")];
  // The kernel ends it with this program, however this program ends.
  const [command, ...rest] = setpriv
    ? ["/usr/bin/setpriv", "--pdeathsig", "TERM", workerdFile, ...args]
    : [workerdFile, ...args];
  // Without a locale of its own; in a group of its own, so that Ctrl-C reaches it by us alone.
  workerd = childProcess.spawn(command, rest, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  passOn(workerd.stdout, "info");
  passOn(workerd.stderr, "warning");
  return new Promise((resolve) => {
    workerd.once("error", (error) => resolve(error.message));
    workerd.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
  });
}

/** Waits until it answers; throws the words of why it does not. */
async function answered(ended, limitMs = 60_000) {
  const until = Date.now() + limitMs;
  let last;
  let over;
  void ended.then((why) => (over = why));
  while (Date.now() < until && over === undefined) {
    try {
      return await call(socket, "GET", "/health", undefined, 5_000);
    } catch (error) {
      last = error;
      await sleep(100);
    }
  }
  throw new Error(over === undefined ? `it does not answer: ${last?.message}` : `workerd ended with ${over}`);
}

const sql = (...statements) => call(socket, "POST", "/sql", { statements }, 120_000);

/** Applies the migrations that `d1_migrations` does not name, each in one transaction with its record. */
async function migrate() {
  const folder = path.join(ROOT, "d1-migrations");
  const names = fs.readdirSync(folder).filter((name) => name.endsWith(".sql")).sort();
  await sql({
    // Source: wrangler 4.164, `wrangler d1 migrations apply`.
    sql:
      "CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, " +
      "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
  });
  const { results } = await sql({ sql: "SELECT name FROM d1_migrations" });
  const applied = new Set(results[0].map((row) => row.name));
  const unknown = [...applied].filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`the data is of a newer version of Edgewatch: it has ${unknown.join(", ")}`);
  for (const name of names.filter((name) => !applied.has(name))) {
    const text = fs.readFileSync(path.join(folder, name), "utf8");
    try {
      await sql({ sql: text }, { sql: "INSERT INTO d1_migrations (name) VALUES (?)", params: [name] });
    } catch (error) {
      throw new Error(`migration ${name}: ${error.message}`);
    }
    if (applied.size > 0) log("info", `migration ${name} applied`);
  }
  return applied.size === 0;
}

/** The address itself, for those on this machine. */
const localUrl = () => (["0.0.0.0", "::"].includes(address) ? `http://127.0.0.1:${port}` : url());
const url = () => `http://${address.includes(":") ? `[${address}]` : address}:${port}`;

async function tellReady() {
  const { results } = await sql({ sql: "SELECT count(*) AS count FROM users" });
  fs.writeFileSync(path.join(run, "serve.json"), JSON.stringify({ url: process.env.PUBLIC_URL, local: localUrl(), pid: process.pid }));
  log("info", `ready ${url()} (data in ${data})`);
  if (results[0][0].count === 0) {
    log("info", `nobody can log in yet: \`scripts/setup-link --data ${data}\` makes the link for the first admin`);
  }
}

/** Fires the schedule at whole minutes, with that time. A run that lasts longer than a minute lets the next ones out. */
async function schedule() {
  let running = false;
  for (;;) {
    const next = (Math.floor(Date.now() / MINUTE_MS) + 1) * MINUTE_MS;
    await sleep(next - Date.now());
    if (stopping) return;
    if (running || !isReady) {
      log("warning", "the schedule is let out: the run before has not ended, or the Worker is starting");
      continue;
    }
    running = true;
    void call(socket, "POST", "/cron", { time_ms: next }, 15 * MINUTE_MS)
      .catch((error) => stopping || log("error", `the schedule did not run: ${error.message}`))
      .finally(() => (running = false));
  }
}

/** Ends a workerd that no longer answers: it is started again then. */
async function watch() {
  let misses = 0;
  for (;;) {
    await sleep(HEALTH_EVERY_MS);
    if (stopping) return;
    if (!isReady) continue;
    try {
      await call(socket, "GET", "/health", undefined, 10_000);
      misses = 0;
    } catch (error) {
      misses += 1;
      log("warning", `the Worker does not answer (${misses} of ${HEALTH_MISSES}): ${error.message}`);
      if (misses >= HEALTH_MISSES) {
        misses = 0;
        workerd?.kill("SIGKILL");
      }
    }
  }
}

/** Asks workerd to end and waits; nothing that was acknowledged is in memory alone. */
async function stop(signal) {
  if (stopping) return;
  stopping = true;
  log("info", `${signal}: stopping`);
  const running = workerd;
  if (running && running.exitCode === null && running.signalCode === null) {
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGTERM");
    await Promise.race([ended, sleep(STOP_MS)]);
    if (running.exitCode === null && running.signalCode === null) {
      running.kill("SIGKILL");
      await ended;
    }
  }
  for (const name of ["serve.json", "control.sock"]) fs.rmSync(path.join(run, name), { force: true });
  log("info", "stopped");
  process.exit(0);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void stop(signal));

async function main() {
  fs.mkdirSync(objects, { recursive: true });
  fs.mkdirSync(run, { recursive: true });
  const env = environment();
  const config = configuration({
    wrangler: fs.readFileSync(path.join(ROOT, "wrangler.toml"), "utf8"),
    address: `${address.includes(":") ? `[${address}]` : address}:${port}`,
    socket,
    objects,
    assets,
    names: Object.keys(env),
    certificates: trust && fs.readFileSync(trust, "utf8"),
  });
  layOut(run, { root: ROOT, build, config });
  void schedule();
  void watch();
  let pauseMs = 1_000;
  while (!stopping) {
    const begun = Date.now();
    const ended = begin(env);
    try {
      await answered(ended);
      await migrate();
      await call(socket, "POST", "/open", {});
      await tellReady();
      isReady = true;
      wasEverReady = true;
    } catch (error) {
      if (stopping) return;
      log("error", `the Worker did not start: ${error.message}`);
      workerd?.kill("SIGKILL");
      // At the first start it is a mistake that somebody has to mend.
      if (!wasEverReady && pauseMs > 2_000) process.exit(1);
    }
    const why = await ended;
    if (stopping) return;
    isReady = false;
    if (Date.now() - begun > STABLE_MS) pauseMs = 1_000;
    log("error", `workerd ended with ${why}; it is started again in ${pauseMs / 1000} s`);
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

await main();
