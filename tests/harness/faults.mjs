// The main module that workerd runs in development and in tests: the built Worker, with bindings that can be told to fail, meters of
// what it uses, and a clock that can be moved. Not part of what is deployed. What happens in the objects: inside/object.mjs.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as built from "./index.js";
import { D1Database } from "./inside/d1.mjs";
import { CONTROL_HEADER, watchedObject } from "./inside/object.mjs";
import * as state from "./inside/state.mjs";

export * from "./index.js";

// These take the place of the built ones. A build without them is given no binding of theirs.
export const Hub = watchedObject("Hub", built.Hub);
export const Viewers = watchedObject("Viewers", built.Viewers);
export const Gate = watchedObject("Gate", built.Gate);
export const Proxmox = watchedObject("Proxmox", built.Proxmox);

/** Class to binding, as in wrangler.toml. */
const BINDINGS = { Hub: "HUB", Viewers: "VIEWERS", Gate: "GATE", Proxmox: "PROXMOX" };

/** The Worker's environment: D1 watched, and the clock where it is off. */
function environment(env) {
  const changed = { DB: { value: new D1Database(env.DB, state.worker), enumerable: true } };
  const offset = state.clockOffset();
  if (offset !== 0) changed.TEST_CLOCK_OFFSET_MS = { value: String(offset), enumerable: true };
  return Object.create(env, changed);
}

async function timed(run) {
  const begun = Date.now();
  try {
    return await run();
  } finally {
    state.worker.active_ms += Date.now() - begun;
  }
}

export default class extends WorkerEntrypoint {
  async fetch(request) {
    if (request.headers.get(CONTROL_HEADER) === this.env.EDGEWATCH_HARNESS_SECRET) {
      return Response.json(await control(request, this.env));
    }
    try {
      state.refuseWhereExhausted("worker", request.url);
    } catch (error) {
      return new Response(error.message, { status: 429 });
    }
    state.worker.requests += 1;
    // Local runtimes make up where a request comes from; nothing known is the truth, but for what is said in the platform's own header.
    const country = request.headers.get("cf-ipcountry");
    const here = request.cf ? new Request(request, { cf: country ? { country } : {} }) : request;
    return timed(() => new built.default(this.ctx, environment(this.env)).fetch(here));
  }

  async scheduled(controller) {
    state.worker.schedules += 1;
    return timed(() => new built.default(this.ctx, environment(this.env)).scheduled(controller));
  }
}

/** The calls of edge.mjs. */
async function control(request, env) {
  const body = request.method === "GET" ? {} : await request.json();
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "POST /faults":
      Object.assign(state.fault, { mode: body.mode, left: body.times ?? Number.MAX_SAFE_INTEGER, match: body.match ?? "", fired: 0 });
      return told();
    case "GET /faults":
      return told();
    case "POST /exhaust":
      state.exhaust(body);
      return told();
    case "POST /clock": {
      // In steps no time passes between two moves: what was set for ten seconds from then is due ten seconds further.
      const slack_ms = body.is_step ? Date.now() - state.movedAt() : 0;
      state.moveClock(body.offset_ms, body.is_step === true);
      await fireAlarms(env, slack_ms);
      return told();
    }
    case "GET /objects":
      return state.meters();
    case "POST /objects":
      state.resetMeters();
      return state.meters();
    case "POST /object":
      return object(env, body.class, body.name, body.call, body);
    default:
      throw new Error("no such call");
  }
}

function told() {
  return { mode: state.fault.mode, fired: state.fault.fired, exhausted: state.exhaustedNow(), offset_ms: state.clockOffset() };
}

/** A call of the wrapper around one object; the object itself does not see it. */
async function object(env, of, name, path, body) {
  const stub = env[BINDINGS[of]].getByName(name);
  const headers = { [CONTROL_HEADER]: env.EDGEWATCH_HARNESS_SECRET };
  const reply = await stub.fetch(`https://object${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return reply.json();
}

/** Runs the alarms that are due since the clock was moved, each once. */
async function fireAlarms(env, slack_ms) {
  const now = Date.now() + state.clockOffset() + slack_ms;
  const due = [...state.alarms.values()].filter(({ due_ms }) => due_ms <= now);
  // One that does not reach its object stays due.
  await Promise.allSettled(due.map((alarm) => object(env, alarm.class, alarm.name, "/alarm", {})));
}
