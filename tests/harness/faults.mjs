// The main module that workerd runs in development and in tests: the built Worker, with a D1 binding that can be told to fail and a
// clock that can be moved. Not part of what is deployed. While nothing is set the Worker gets the real environment, untouched.
// The SDK recognises bindings by the name of their class, so the stand-in must be called D1Database.

import { WorkerEntrypoint } from "cloudflare:workers";
import Worker from "./index.js";

export * from "./index.js";

/** The header that marks a call of edge.mjs; its value is a random secret of this start. */
const CONTROL_HEADER = "x-edgewatch-harness";

// Source: spec/platform.md 1.2, the words D1 uses for errors that may be tried again.
const OVERLOADED = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";
const LOST = "D1_ERROR: Network connection lost.";

/** What fails next: `left` is the number of calls that still fail, `match` a part of the SQL that a failing call must contain. */
let fault = { mode: "off", left: 0, match: "" };
let fired = 0;

/** Runs one call of D1 under the fault that is set. `sql` is its text, for a batch all of its statements. */
async function call(sql, run) {
  if (fault.mode === "off" || fault.left <= 0 || !sql.includes(fault.match)) return run();
  fault.left -= 1;
  fired += 1;
  if (fault.mode === "overloaded") throw new Error(OVERLOADED);
  if (fault.mode === "lost_after_commit") await run();
  throw new Error(LOST);
}

class D1PreparedStatement {
  constructor(real, sql) {
    this.real = real;
    this.sql = sql;
  }
  bind(...values) {
    return new D1PreparedStatement(this.real.bind(...values), this.sql);
  }
  first(...columns) {
    return call(this.sql, () => this.real.first(...columns));
  }
  run() {
    return call(this.sql, () => this.real.run());
  }
  all() {
    return call(this.sql, () => this.real.all());
  }
  raw(...options) {
    return call(this.sql, () => this.real.raw(...options));
  }
}

class D1Database {
  constructor(real) {
    this.real = real;
  }
  prepare(sql) {
    return new D1PreparedStatement(this.real.prepare(sql), sql);
  }
  batch(statements) {
    const sql = statements.map((statement) => statement.sql).join(";\n");
    return call(sql, () => this.real.batch(statements.map((statement) => statement.real)));
  }
  exec(sql) {
    return call(sql, () => this.real.exec(sql));
  }
  withSession(constraint) {
    const session = new D1DatabaseSession(this.real.withSession(constraint));
    return session;
  }
}

class D1DatabaseSession extends D1Database {
  getBookmark() {
    return this.real.getBookmark();
  }
}

/** How far the Worker's clock is ahead of the real one, in milliseconds; 0 leaves it alone. */
let clockOffset = 0;

/** The Worker's environment: the real one, or one whose D1 fails, or whose clock is off. */
function environment(env) {
  const changed = {};
  if (fault.mode !== "off") changed.DB = { value: new D1Database(env.DB), enumerable: true };
  if (clockOffset !== 0) changed.TEST_CLOCK_OFFSET_MS = { value: String(clockOffset), enumerable: true };
  return Object.keys(changed).length === 0 ? env : Object.create(env, changed);
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    if (request.headers.get(CONTROL_HEADER) === this.env.EDGEWATCH_HARNESS_SECRET) {
      return control(request);
    }
    // Local runtimes make up where a request comes from; nothing known is the truth.
    const here = request.cf ? new Request(request, { cf: {} }) : request;
    return new Worker(this.ctx, environment(this.env)).fetch(here);
  }

  async scheduled(controller) {
    return new Worker(this.ctx, environment(this.env)).scheduled(controller);
  }
}

/** `POST` sets the fault, `PUT` the clock, `GET` tells how many calls have failed since. */
async function control(request) {
  if (request.method === "PUT") {
    clockOffset = (await request.json()).offset_ms;
  } else if (request.method === "POST") {
    const { mode, times, match } = await request.json();
    fault = { mode, left: times ?? Number.MAX_SAFE_INTEGER, match: match ?? "" };
    fired = 0;
  }
  return Response.json({ mode: fault.mode, fired, offset_ms: clockOffset });
}
