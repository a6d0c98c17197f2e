// Starts workerd with the built Worker, through miniflare, for tests and for scripts/dev; ends it again without leaving anything behind.
// Prints one line of JSON when the Worker answers: {"url":…,"control":…,"pid":…,"workerd_pid":…}. `node edge.mjs --help` lists the options,
// CONTROL below the calls of the control port. Both ports are on loopback alone.

import childProcess from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import module from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, "../..");
const LOOPBACK = "127.0.0.1";
/** The same id as in wrangler.toml, so that `wrangler d1 … --local --persist-to` finds the same file. */
const DATABASE_ID = "00000000-0000-0000-0000-000000000001";
const WORKER = "edgewatch";
const FAULT_MODES = ["off", "overloaded", "lost_before", "lost_after_commit"];

const HELP = `Usage: node edge.mjs [options]
  --build DIR         the built Worker: index.js and index_bg.wasm (default: build)
  --migrations DIR    SQL files, applied in order of name and recorded as wrangler does (default: d1-migrations)
  --assets DIR        static assets for the binding ASSETS (default: worker/public, when it is there)
  --persist DIR       where the data lies; without it a temporary folder, removed at the end
  --port N            the Worker's port; 0, the default, takes a free one
  --control-port N    the control port, likewise
  --var NAME=VALUE    a variable or secret of the Worker; may be given many times (PUBLIC_URL is set to the Worker's own address)
  --vars-file FILE    the same from a file of NAME=VALUE lines, for secrets
  --cron-every S      fire the schedule every S seconds, at whole multiples of S (default: never)
  --trust FILE        certificates to trust in outgoing TLS, besides those the world trusts
  --capture-outbound  answer the Worker's outgoing requests here and keep them for GET /outbound
  --stdin             end when standard input closes
It always ends when its parent process does.
`;

const options = parseArgs({
  options: {
    build: { type: "string", default: path.join(ROOT, "build") },
    migrations: { type: "string", default: path.join(ROOT, "d1-migrations") },
    assets: { type: "string", default: path.join(ROOT, "worker/public") },
    persist: { type: "string" },
    port: { type: "string", default: "0" },
    "control-port": { type: "string", default: "0" },
    var: { type: "string", multiple: true, default: [] },
    "vars-file": { type: "string" },
    "cron-every": { type: "string", default: "0" },
    trust: { type: "string" },
    "capture-outbound": { type: "boolean", default: false },
    stdin: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
}).values;

if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

/** The runtime's process, noted as miniflare starts it: miniflare itself does not tell. */
let workerd;

// The kernel ends workerd with this process, however this process ends. Only Linux has a way to ask for it.
const setpriv = process.platform === "linux" && fs.existsSync("/usr/bin/setpriv") ? "/usr/bin/setpriv" : undefined;
const spawn = childProcess.spawn;
childProcess.spawn = (command, args, settings) => {
  if (!args?.includes("serve")) return spawn(command, args, settings);
  workerd = setpriv
    ? spawn(setpriv, ["--pdeathsig", "KILL", command, ...args], settings)
    : spawn(command, args, settings);
  return workerd;
};

// Where Miniflare looks for them, once, when it is loaded.
if (options.trust) process.env.NODE_EXTRA_CA_CERTS = path.resolve(options.trust);
// Miniflare is one file of five megabytes; each test would compile it again.
module.enableCompileCache?.(path.join(ROOT, "node_modules/.cache/compiled"));
const { Miniflare } = await import("miniflare");

const temporary = options.persist ? undefined : fs.mkdtempSync(path.join(os.tmpdir(), "edgewatch-"));
const persist = path.resolve(options.persist ?? path.join(temporary, "data"));
const secret = crypto.randomBytes(24).toString("base64url");
/** Outgoing requests seen, newest last, and the status they are answered with. */
const outbound = { requests: [], status: 200, body: "" };

/** The running Miniflare, or undefined between /kill and /start. */
let miniflare;
let port = Number(options.port);
let stopping = false;

function variables() {
  const lines = options["vars-file"] ? fs.readFileSync(options["vars-file"], "utf8").split("\n") : [];
  const pairs = [...lines.filter((line) => line.includes("=") && !line.startsWith("#")), ...options.var];
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

/** A value of wrangler.toml at its top level. */
function wranglerValue(name) {
  const text = fs.readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
  const found = new RegExp(`^${name} *= *"([^"]*)"`, "m").exec(text);
  if (!found) throw new Error(`wrangler.toml has no ${name}`);
  return found[1];
}

function manifest() {
  const build = path.resolve(options.build);
  const modules = {
    "index.js": { type: "esm", contents: fs.readFileSync(path.join(build, "index.js"), "utf8") },
  };
  const inside = fs.readdirSync(path.join(HERE, "inside")).map((name) => `inside/${name}`);
  for (const name of ["faults.mjs", ...inside]) {
    modules[name] = { type: "esm", contents: fs.readFileSync(path.join(HERE, name), "utf8") };
  }
  const wasm = path.join(build, "index_bg.wasm");
  if (fs.existsSync(wasm)) {
    modules["index_bg.wasm"] = { type: "wasm", contents: new Uint8Array(fs.readFileSync(wasm)) };
  }
  return { mainModule: "faults.mjs", modulesRoot: build, modules };
}

/** The Durable Objects of wrangler.toml that the built Worker has: [binding, class] each. */
function objects() {
  const text = fs.readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
  const bound = text.matchAll(/^\[\[durable_objects\.bindings\]\]\s*name *= *"([^"]*)"\s*class_name *= *"([^"]*)"/gm);
  const index = fs.readFileSync(path.join(path.resolve(options.build), "index.js"), "utf8");
  const exported = [...index.matchAll(/\bexport *\{([^}]*)\}|\bexport class (\w+)/g)].map((found) => found[1] ?? found[2]).join(",");
  const classes = new Set(exported.split(",").map((word) => word.trim().split(/\s+as\s+/).pop()));
  return [...bound].map(([, binding, name]) => [binding, name]).filter(([, name]) => classes.has(name));
}

function configuration() {
  const env = {
    DB: { type: "d1", id: DATABASE_ID },
    EDGEWATCH_HARNESS_SECRET: { type: "text", value: secret },
  };
  const vars = { PUBLIC_URL: `http://${LOOPBACK}:${port}`, ...variables() };
  for (const [name, value] of Object.entries(vars)) env[name] = { type: "text", value };
  const config = { name: WORKER, compatibilityDate: wranglerValue("compatibility_date"), manifest: manifest(), env };
  const bound = objects();
  for (const [binding, name] of bound) env[binding] = { type: "durable-object", worker: WORKER, exportName: name };
  config.exports = Object.fromEntries(bound.map(([, name]) => [name, { type: "durable-object", storage: "sqlite" }]));
  if (fs.existsSync(options.assets)) {
    env.ASSETS = { type: "assets" };
    config.assets = {
      directory: path.resolve(options.assets),
      htmlHandling: "none",
      notFoundHandling: "none",
      runWorkerFirst: true,
      hasUserWorker: true,
    };
  }
  const dev = {};
  if (options["capture-outbound"]) dev.outboundService = { type: "fetcher", handler: captured };
  return {
    host: LOOPBACK,
    port,
    cf: false,
    resourcePersistencePath: path.join(persist, "v3"),
    enableDevRegistry: false,
    telemetry: { enabled: false },
    unsafeInspectDurableObjects: true,
    handleStructuredLogs: ({ level, message }) => process.stderr.write(`[${level}] ${message}\n`),
    workers: [{ config, dev }],
  };
}

async function captured(request) {
  const body = await request.text();
  outbound.requests.push({
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body,
    time_ms: Date.now(),
  });
  return new Response(outbound.body, { status: outbound.status });
}

/** A port that is free now and, below the range the system hands out, likely stays so while workerd is down. */
async function freePort() {
  for (;;) {
    const candidate = 20000 + crypto.randomInt(12000);
    const free = await new Promise((resolve) => {
      const server = net.createServer();
      server.once("error", () => resolve(false));
      server.listen(candidate, LOOPBACK, () => server.close(() => resolve(true)));
    });
    if (free) return candidate;
  }
}

async function start() {
  if (miniflare) return;
  const started = new Miniflare(configuration());
  try {
    await started.ready;
  } catch (error) {
    await started.dispose().catch(() => {});
    throw error;
  }
  miniflare = started;
  takeSignals();
}

/** SIGKILL, as after a crash: nothing is flushed, no request in flight is answered. */
async function kill() {
  const running = miniflare;
  miniflare = undefined;
  if (!running) return;
  // `dispose` first, in the same turn: otherwise miniflare takes the death for a crash and starts workerd again.
  const disposed = running.dispose();
  workerd?.kill("SIGKILL");
  await disposed.catch(() => {});
}

async function database() {
  if (!miniflare) throw new Error("workerd is not running");
  return miniflare.getD1Database("DB");
}

/** Applies the migrations that `d1_migrations` does not name. Each is one transaction together with its record. */
async function migrate() {
  const names = fs.existsSync(options.migrations)
    ? fs.readdirSync(options.migrations).filter((name) => name.endsWith(".sql")).sort()
    : [];
  if (names.length === 0) return;
  const db = await database();
  // Source: wrangler 4.164, `wrangler d1 migrations apply`.
  await db
    .prepare(
      "CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, " +
        "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const applied = new Set((await db.prepare("SELECT name FROM d1_migrations").all()).results.map((row) => row.name));
  for (const name of names.filter((name) => !applied.has(name))) {
    const sql = fs.readFileSync(path.join(options.migrations, name), "utf8");
    try {
      await db.batch([db.prepare(sql), db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name)]);
    } catch (error) {
      throw new Error(`migration ${name}: ${error.message}`);
    }
  }
}

async function fireCron({ time_ms = Date.now(), cron = "* * * * *" } = {}) {
  if (!miniflare) throw new Error("workerd is not running");
  const worker = await miniflare.getWorker();
  return worker.scheduled({ scheduledTime: new Date(time_ms), cron });
}

/** A call of the wrapper module in faults.mjs, which answers before the Worker sees anything. */
async function inside(method, call, body) {
  if (!miniflare) throw new Error("workerd is not running");
  const reply = await miniflare.dispatchFetch(`http://${LOOPBACK}${call}`, {
    method,
    headers: { "x-edgewatch-harness": secret },
    body: body && JSON.stringify(body),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(text);
  return JSON.parse(text);
}

/** The control port: method and path to what answers it. Every body and answer is JSON; a failure is status 500 with {"error":…}. */
const CONTROL = {
  "GET /": async () => state(),
  // {time_ms?, cron?} → {outcome: "ok" | "exception", noRetry}
  "POST /cron": fireCron,
  // The same data under a new workerd, as after a deployment.
  "POST /restart": async () => {
    await kill();
    await start();
    return state();
  },
  "POST /kill": async () => {
    await kill();
    return state();
  },
  // The same in the middle of whatever call is running, which fails.
  "POST /kill-amid": async () => {
    await kill();
    return state();
  },
  "POST /start": async () => {
    await start();
    return state();
  },
  // {sql, params?} → {results, meta}
  "POST /sql": async ({ sql, params = [] }) => {
    const { results, meta } = await (await database()).prepare(sql).bind(...params).all();
    return { results, meta };
  },
  // {mode, times?, match?}: the next `times` calls of D1 (default: all) whose SQL contains `match` fail. A restart forgets it.
  "POST /faults": async (body) => {
    if (!FAULT_MODES.includes(body.mode)) throw new Error(`mode is one of ${FAULT_MODES.join(", ")}`);
    return inside("POST", "/faults", body);
  },
  "GET /faults": async () => inside("GET", "/faults"),
  // {meter, times?, match?, class?}: a meter of inside/words.mjs is used up, for the next `times` calls (default: all; 0 ends it) that
  // contain `match`: SQL, or `fetch`, `message`, `alarm`, `close`. `class` names one class of objects. A restart forgets it.
  "POST /exhaust": async (body) => inside("POST", "/exhaust", body),
  // {offset_ms, is_step?}: how far the Worker's clock is ahead of the real one in requests and objects; schedules have the time of their event.
  // Alarms that are due by then have run, once each, when this answers; in steps, the real time since the last move does not count for
  // them. A restart forgets it.
  "POST /clock": async ({ offset_ms, is_step = false }) => {
    if (!Number.isSafeInteger(offset_ms)) throw new Error("offset_ms is a whole number");
    return inside("POST", "/clock", { offset_ms, is_step });
  },
  // {class, name, sockets?}: ends an object's instance, as when it is idle for long. Its sockets sleep on ("hibernate", the default) or
  // are closed ("close").
  "POST /evict": async ({ class: of, name, sockets = "hibernate" }) => {
    if (!miniflare) throw new Error("workerd is not running");
    try {
      await miniflare.unsafeEvictDurableObject(WORKER, of, { name, webSockets: sockets });
      return { evicted: true };
    } catch (error) {
      // Nothing to evict, or something in it has not ended in ten seconds.
      if (!/not currently running|active references/.test(error.message)) throw error;
      return { evicted: false, why: error.message };
    }
  },
  // {class, name, code?, reason?} → {closed}: the server closes all sockets of an object.
  "POST /close-sockets": async (body) => inside("POST", "/object", { ...body, call: "/close" }),
  // {class, name} → {sockets}
  "POST /sockets": async (body) => inside("POST", "/object", { ...body, call: "/sockets" }),
  // {class, name, sql} → {results}: on an object's own database. It wakes the object.
  "POST /object-sql": async ({ class: of, name, sql }) => {
    if (!miniflare) throw new Error("workerd is not running");
    const storage = await miniflare.unsafeGetDurableObjectStorage(WORKER, of, { name });
    return { results: await storage.exec(sql) };
  },
  // What was used since the start or the reset: {worker, d1, objects: {"Class/name": {…}}}, see inside/state.mjs. A restart forgets it.
  "GET /objects": async () => inside("GET", "/objects"),
  "POST /objects": async () => inside("POST", "/objects", {}),
  "GET /outbound": async () => ({ requests: outbound.requests }),
  // {status?, body?, clear?}
  "POST /outbound": async ({ status, body, clear }) => {
    outbound.status = status ?? outbound.status;
    outbound.body = body ?? outbound.body;
    if (clear) outbound.requests.length = 0;
    return { status: outbound.status };
  },
};

function state() {
  return { running: miniflare !== undefined, workerd_pid: miniflare ? workerd?.pid : null };
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString("utf8");
  return text === "" ? {} : JSON.parse(text);
}

/** Calls run one after the other: a restart must not meet another restart. But for /kill-amid, which is to meet the call that runs. */
const AT_ONCE = "/kill-amid";
let line = Promise.resolve();

const server = http.createServer((request, response) => {
  const answer = CONTROL[`${request.method} ${request.url}`];
  const send = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (!answer) return send(404, { error: "no such call" });
  const run = async () => {
    try {
      send(200, await answer(await body(request)));
    } catch (error) {
      send(500, { error: String(error.message ?? error) });
    }
  };
  if (request.url === AT_ONCE) return void run();
  line = line.then(run);
});

async function stop(code) {
  if (stopping) return;
  stopping = true;
  server.close();
  server.closeAllConnections();
  await kill();
  if (temporary) fs.rmSync(temporary, { recursive: true, force: true });
  process.exit(code);
}

/** Makes signals ours alone: a library below miniflare would raise them again before we have cleaned up. */
function takeSignals() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.removeAllListeners(signal);
    process.on(signal, () => void stop(0));
  }
}
takeSignals();
process.on("uncaughtException", (error) => {
  process.stderr.write(`edge.mjs: ${error.stack}\n`);
  void stop(1);
});
process.on("unhandledRejection", (error) => {
  process.stderr.write(`edge.mjs: ${error?.stack ?? error}\n`);
});
const parent = process.ppid;
setInterval(() => process.ppid !== parent && void stop(0), 250).unref();
if (options.stdin) {
  process.stdin.on("end", () => void stop(0));
  process.stdin.on("error", () => void stop(0));
  process.stdin.resume();
}

/** Local runtimes fire no schedule of their own: here each multiple of the period, with that time. */
function fireEvery(seconds) {
  const period = seconds * 1000;
  const next = (Math.floor(Date.now() / period) + 1) * period;
  setTimeout(async () => {
    fireEvery(seconds);
    try {
      const { outcome } = await fireCron({ time_ms: next });
      if (outcome !== "ok") process.stderr.write(`edge.mjs: the schedule ended with ${outcome}\n`);
    } catch (error) {
      process.stderr.write(`edge.mjs: the schedule did not run: ${error.message}\n`);
    }
  }, next - Date.now());
}

try {
  if (port === 0) port = await freePort();
  await start();
  await migrate();
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(options["control-port"]), LOOPBACK, resolve);
  });
} catch (error) {
  process.stderr.write(`edge.mjs: ${error.message}\n`);
  await stop(1);
}
if (Number(options["cron-every"]) > 0) fireEvery(Number(options["cron-every"]));
process.stdout.write(
  `${JSON.stringify({
    url: `http://${LOOPBACK}:${port}`,
    control: `http://${LOOPBACK}:${server.address().port}`,
    pid: process.pid,
    workerd_pid: workerd.pid,
  })}\n`,
);
