// A Worker in place of ours, so that the harness is tested apart from what it is for.

import { WorkerEntrypoint } from "cloudflare:workers";

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const url = new URL(request.url);
    const argument = url.searchParams.get("text");
    switch (`${request.method} ${url.pathname}`) {
      case "POST /notes":
        try {
          const { meta } = await this.env.DB.prepare("INSERT INTO notes (text) VALUES (?)").bind(argument).run();
          return new Response("written", { headers: { "x-edgewatch-cost": `${meta.rows_read},${meta.rows_written},0,0,1` } });
        } catch (error) {
          return new Response(error.message, { status: 503 });
        }
      case "GET /notes": {
        const { results } = await this.env.DB.prepare("SELECT text FROM notes ORDER BY id").all();
        return Response.json(results.map((row) => row.text));
      }
      case "GET /client":
        return Response.json({ address: request.headers.get("CF-Connecting-IP"), public_url: this.env.PUBLIC_URL });
      case "GET /object":
        try {
          return await this.env.HUB.getByName(argument).fetch(request);
        } catch (error) {
          return new Response(error.message, { status: 503 });
        }
      case "GET /out":
        return new Response((await fetch(argument, { method: "POST", body: "hello" })).status.toString());
      default:
        return new Response("nothing here", { status: 404 });
    }
  }

  async scheduled(controller) {
    if (controller.scheduledTime === 13) throw new Error("unlucky");
    const text = `${controller.cron} at ${controller.scheduledTime}`;
    await this.env.DB.prepare("INSERT INTO notes (text) VALUES (?)").bind(text).run();
  }
}

/** A small object: a table, an alarm that counts, sockets that echo. `do` says what is asked of it. Classes of Rust do not call the base's constructor either. */
export class Hub {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
    this.born = crypto.randomUUID();
    this.sql = ctx.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)");
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  fetch(request) {
    switch (new URL(request.url).searchParams.get("do")) {
      case "socket": {
        const [client, server] = Object.values(new WebSocketPair());
        this.ctx.acceptWebSocket(server);
        server.serializeAttachment("kept");
        return new Response(null, { status: 101, webSocket: client });
      }
      case "write":
        this.sql.exec("INSERT INTO notes (text) VALUES ('written')");
        return this.state();
      case "seed":
        return this.env.DB.prepare("INSERT INTO notes (text) VALUES ('from the object')").run().then(() => this.state());
      case "alarm":
        return this.ctx.storage.setAlarm(Date.now() + 3_600_000).then(() => this.state());
      default:
        return this.state();
    }
  }

  state() {
    const [{ count }] = this.sql.exec("SELECT count(*) AS count FROM notes").toArray();
    const stamps = this.ctx.getWebSockets().map((socket) => this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null);
    const now_ms = Date.now() + Number(this.env.TEST_CLOCK_OFFSET_MS);
    return Response.json({ born: this.born, count, offset_ms: Number(this.env.TEST_CLOCK_OFFSET_MS), now_ms, stamps });
  }

  alarm() {
    this.sql.exec("INSERT INTO notes (text) VALUES ('alarm')");
  }

  webSocketMessage(socket, message) {
    socket.send(`${this.born} ${socket.deserializeAttachment()} ${message}`);
  }

  webSocketClose() {}

  webSocketError() {}
}
