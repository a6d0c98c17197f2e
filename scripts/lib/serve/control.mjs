// Calls the program that scripts/serve runs, by its socket in the file system. `node control.mjs DATA METHOD PATH` takes the body from
// standard input and prints the answer: so no secret is on a command line.

import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** The socket below a data folder. */
export const socketOf = (data) => path.join(data, "run/control.sock");

/** A call: the answer's JSON. Throws its words when it is no success. */
export function call(socketPath, method, path, body, timeoutMs = 30_000) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const request = http.request({ socketPath, method, path, headers, timeout: timeoutMs }, (reply) => {
      const parts = [];
      reply.on("data", (part) => parts.push(part));
      reply.on("error", reject);
      reply.on("end", () => {
        try {
          const value = JSON.parse(Buffer.concat(parts).toString("utf8"));
          if (reply.statusCode === 200) resolve(value);
          else reject(new Error(value.error ?? `status ${reply.statusCode}`));
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on("timeout", () => request.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
    request.on("error", reject);
    request.end(method === "GET" ? undefined : JSON.stringify(body ?? {}));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [data, method, of] = process.argv.slice(2);
  const body = method === "GET" ? undefined : JSON.parse(fs.readFileSync(0, "utf8") || "{}");
  try {
    console.log(JSON.stringify(await call(socketOf(data), method, of, body)));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
