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
