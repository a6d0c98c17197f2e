// The main module that workerd runs under scripts/serve: the built Worker behind what Cloudflare's edge does for it elsewhere, and the calls
// of the program that watches over it. Those come by a socket in the file system that nobody else may open.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as built from "./index.js";

export * from "./index.js";

/** Headers that the edge alone may set. */
const OF_THE_EDGE = ["cf-connecting-ip", "cf-ipcountry", "cf-ray", "cf-visitor", "cf-worker", "true-client-ip"];

/** Nobody is let in before the database has the tables that this version knows. */
let isOpen = false;

export default class extends WorkerEntrypoint {
  async fetch(request) {
    if (!isOpen) return new Response("starting\n", { status: 503, headers: { "retry-after": "5" } });
    const headers = new Headers(request.headers);
    // The one that a proxy in front of us is said to set is that proxy's, though it has the edge's name.
    const trusted = this.env.TRUSTED_ADDRESS_HEADER?.toLowerCase();
    for (const name of OF_THE_EDGE) if (name !== trusted) headers.delete(name);
    // With its port: 192.0.2.1:5000, [2001:db8::1]:5000. A socket in the file system has none.
    const peer = /^\[?([0-9A-Fa-f.:]+?)\]?:\d+$/.exec(request.cf?.clientIp ?? "")?.[1];
    if (peer && trusted !== "cf-connecting-ip") headers.set("cf-connecting-ip", peer);
    return new built.default(this.ctx, this.env).fetch(new Request(request, { headers, cf: {} }));
  }
}

const CALLS = {
  "GET /health": async (_, { env }) => ({ one: await env.DB.prepare("SELECT 1 AS one").first("one") }),
  "POST /open": async () => {
    isOpen = true;
    return {};
  },
  // {time_ms}: the schedule is due.
  "POST /cron": async ({ time_ms }, { env, ctx }) => {
    const due = { scheduledTime: time_ms, cron: "* * * * *", noRetry() {} };
    await new built.default(ctx, env).scheduled(due);
    return {};
  },
  // {statements: [{sql, params?}]}: in one transaction → {results: [rows]}
  "POST /sql": async ({ statements }, { env }) => {
    const prepared = statements.map(({ sql, params = [] }) => env.DB.prepare(sql).bind(...params));
    return { results: (await env.DB.batch(prepared)).map(({ results }) => results) };
  },
};

export class Control extends WorkerEntrypoint {
  async fetch(request) {
    const call = CALLS[`${request.method} ${new URL(request.url).pathname}`];
    if (!call) return Response.json({ error: "no such call" }, { status: 404 });
    try {
      const body = request.method === "GET" ? {} : JSON.parse((await request.text()) || "{}");
      return Response.json(await call(body, this));
    } catch (error) {
      return Response.json({ error: String(error?.message ?? error) }, { status: 500 });
    }
  }
}
