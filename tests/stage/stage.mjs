// Stands in for the hub in a copy of the built Worker: a hub shard that says what a test wants, and a way for the test to reach it,
// below /__hub/. Appended to the built index.js by stage.rs; `Built` is its default export.

/** Outlives the object, which is evicted like any other. */
const stage = { hosts: [], watched: [], failing: false };

export class Hub {
  constructor(ctx, env) {
    this.env = env;
  }

  async fetch(request) {
    const body = await request.json();
    switch (new URL(request.url).pathname) {
      // The hub's own operation.
      case "/watch": {
        stage.watched.push(body);
        if (stage.failing) return new Response("", { status: 503 });
        return Response.json(body.snapshot ? { shard: 0, now_ms: Date.now(), hosts: stage.hosts } : {});
      }
      // Likewise: a credential was taken away, and nobody has remembered one.
      case "/taken-away":
        return Response.json(null);
      // The test's: what the fleet is and whether the hub answers; what it was asked; a digest to push.
      case "/__hub/set":
        return Response.json(Object.assign(stage, body));
      case "/__hub/watched":
        return Response.json({ watched: stage.watched });
      case "/__hub/push": {
        const digest = { shard: 0, now_ms: Date.now(), ...body };
        const viewers = this.env.VIEWERS.getByName("viewers");
        return viewers.fetch("https://viewers/digest", { method: "POST", body: JSON.stringify(digest) });
      }
      default:
        return new Response("", { status: 404 });
    }
  }
}

export default class extends Built {
  async fetch(request) {
    if (!new URL(request.url).pathname.startsWith("/__hub/")) return super.fetch(request);
    return this.env.HUB.getByName("hub-0").fetch(request);
  }
}
