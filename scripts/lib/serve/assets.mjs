// The binding ASSETS for scripts/serve: files of worker/public, with their types.

const TYPES = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
};

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const missing = () => new Response("not found", { status: 404 });
    // Folders would be listed.
    if (pathname.endsWith("/")) return missing();
    const found = await env.FILES.fetch(`http://files${pathname}`, { method: request.method === "HEAD" ? "HEAD" : "GET" });
    const isFolder = found.headers.get("content-type") === "application/json" && !pathname.endsWith(".json");
    if (found.status !== 200 || isFolder) {
      await found.body?.cancel();
      return missing();
    }
    const headers = new Headers({ "content-type": TYPES[pathname.split(".").pop()] ?? "application/octet-stream" });
    for (const name of ["content-length", "last-modified"]) {
      if (found.headers.has(name)) headers.set(name, found.headers.get(name));
    }
    return new Response(found.body, { status: 200, headers });
  },
};
