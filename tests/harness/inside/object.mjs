// Durable Objects that can be told to fail, that count, and whose clock can be moved. The real class gets a context and an environment
// that are watched; everything else reaches it untouched.
//
// The clock: `TEST_CLOCK_OFFSET_MS` in the environment is what it is now, not what it was when the object was made. Alarms are due by
// the real clock or by the moved one, whichever comes first; so an alarm is to be set as a while from now. The time stamps of pings,
// which the runtime takes by the real clock, come as the moved clock showed at that moment: nothing is to be added to them.

import { DurableObject } from "cloudflare:workers";
import { D1Database } from "./d1.mjs";
import { alarms, clockOffset, countsOf, refuseWhereExhausted, testTime } from "./state.mjs";

/** The header that marks a call of edge.mjs; its value is a random secret of this start. */
export const CONTROL_HEADER = "x-edgewatch-harness";
/** The runtime tries a failed alarm again after so long. Source: spec/platform.md 1.3. */
const RETRY_MS = 2000;
/** Cursors are read at an event's end; no event opens so many that they may not wait. */
const MOST_CURSORS = 1000;

/** `target` with some of its properties replaced. Methods keep their own `this`: the runtime's refuse another. */
function watched(target, replaced) {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(replaced, key)) return replaced[key];
      const value = Reflect.get(target, key, target);
      return typeof value === "function" && key !== "constructor" ? value.bind(target) : value;
    },
  });
}

/** The class `inner` under a name; `inner` may be undefined where a build has no such class, as long as nobody makes one. */
export function watchedObject(name, inner) {
  return class extends DurableObject {
    #inner;
    #key;
    #name;
    #counts;
    #cursors = [];
    #running = 0;
    #since = 0;

    constructor(ctx, env) {
      super(ctx, env);
      this.#name = ctx.id.name ?? ctx.id.toString();
      this.#key = `${name}/${this.#name}`;
      this.#counts = countsOf(this.#key);
      this.#counts.constructed += 1;
      this.#begin();
      try {
        this.#inner = new inner(this.#context(ctx), this.#environment(env));
      } finally {
        this.#end();
      }
    }

    #begin() {
      if (this.#running === 0) this.#since = Date.now();
      this.#running += 1;
    }

    #end() {
      this.#running -= 1;
      if (this.#running === 0) this.#counts.active_ms += Date.now() - this.#since;
      this.#count();
    }

    /** Takes what the statements of this event have cost. */
    #count() {
      let written = 0;
      for (const cursor of this.#cursors) {
        this.#counts.rows_read += cursor.rowsRead;
        written += cursor.rowsWritten;
      }
      this.#cursors.length = 0;
      this.#counts.rows_written += written;
      if (written > 0 || this.#counts.bytes === 0) this.#counts.bytes = this.ctx.storage.sql.databaseSize;
    }

    #context(ctx) {
      const sql = watched(ctx.storage.sql, {
        exec: (text, ...binds) => {
          refuseWhereExhausted("sql", text, name);
          const cursor = ctx.storage.sql.exec(text, ...binds);
          this.#counts.statements += 1;
          this.#cursors.push(cursor);
          if (this.#cursors.length > MOST_CURSORS) this.#count();
          return cursor;
        },
      });
      const storage = watched(ctx.storage, {
        sql,
        setAlarm: async (due, options) => {
          // A set alarm is a row written.
          refuseWhereExhausted("sql", "UPDATE alarm", name);
          this.#counts.alarms_set += 1;
          alarms.set(this.#key, { class: name, name: this.#name, due_ms: Number(due) + clockOffset() });
          await ctx.storage.setAlarm(due, options);
        },
        deleteAlarm: async (options) => {
          alarms.delete(this.#key);
          await ctx.storage.deleteAlarm(options);
        },
        deleteAll: async (options) => {
          alarms.delete(this.#key);
          await ctx.storage.deleteAll(options);
        },
      });
      return watched(ctx, {
        storage,
        getWebSocketAutoResponseTimestamp: (socket) => {
          const stamp = ctx.getWebSocketAutoResponseTimestamp(socket);
          return stamp && new Date(testTime(stamp.getTime()));
        },
      });
    }

    #environment(env) {
      return Object.create(env, {
        DB: { value: env.DB && new D1Database(env.DB, this.#counts), enumerable: true },
        TEST_CLOCK_OFFSET_MS: { get: () => String(clockOffset()), enumerable: true },
      });
    }

    /** Runs a handler of the object as an event that is counted and may be refused. */
    async #event(kind, run) {
      refuseWhereExhausted("event", kind, name);
      this.#begin();
      try {
        return await run();
      } finally {
        this.#end();
      }
    }

    async fetch(request) {
      if (request.headers.get(CONTROL_HEADER) === this.env.EDGEWATCH_HARNESS_SECRET) {
        return Response.json(await this.#control(new URL(request.url).pathname, await request.json()));
      }
      return this.#event("fetch", () => {
        this.#counts.fetches += 1;
        return this.#inner.fetch(request);
      });
    }

    async webSocketMessage(socket, message) {
      return this.#event("message", () => {
        this.#counts.messages += 1;
        this.#counts.message_bytes += message.byteLength ?? message.length;
        return this.#inner.webSocketMessage(socket, message);
      });
    }

    async webSocketClose(socket, code, reason, wasClean) {
      return this.#event("close", () => {
        this.#counts.closes += 1;
        return this.#inner.webSocketClose(socket, code, reason, wasClean);
      });
    }

    async webSocketError(socket, error) {
      return this.#event("error", () => {
        this.#counts.closes += 1;
        return this.#inner.webSocketError(socket, error);
      });
    }

    async alarm(info) {
      alarms.delete(this.#key);
      return this.#event("alarm", () => {
        this.#counts.alarms += 1;
        return this.#inner.alarm(info);
      });
    }

    async #control(path, { code, reason }) {
      switch (path) {
        case "/close": {
          const sockets = this.ctx.getWebSockets();
          for (const socket of sockets) socket.close(code, reason);
          return { closed: sockets.length };
        }
        case "/sockets":
          return { sockets: this.ctx.getWebSockets().length };
        case "/alarm":
          await this.ctx.storage.deleteAlarm();
          try {
            await this.alarm({ retryCount: 0, isRetry: false });
          } catch (error) {
            alarms.set(this.#key, { class: name, name: this.#name, due_ms: Date.now() + clockOffset() + RETRY_MS });
            await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
            return { failed: error.message };
          }
          return {};
        default:
          throw new Error(`no such call: ${path}`);
      }
    }
  };
}
