// Reads a backup from a deployment, and restores one into an empty deployment. Both are told by the environment: URL, TOKEN, FILE; the
// command is the one argument.
//
// A backup is lines of JSON, packed by gzip: the head, a line for each page, and the end, which has how many rows there are of each table
// and the SHA-256 of all bytes before it. A file is read to its end before anything of it is sent.

import crypto from "node:crypto";
import fs from "node:fs";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import zlib from "node:zlib";

const FORMAT = "edgewatch-backup";
const VERSION = 1;
/** A call of a restore is split above this: a value of D1 has 2 MB at most. */
const MOST_BYTES = 1_000_000;
const TRIES = 6;

const { URL: base, TOKEN: token, FILE: file } = process.env;
const say = (words) => process.stderr.write(`${words}\n`);

class Refused extends Error {}

/** A call; what passes by itself is tried again, all of them may be repeated. */
async function call(method, path, body) {
  for (let attempt = 1; ; attempt++) {
    let words;
    try {
      const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
      const reply = await fetch(`${base}/api/edgewatch/v1${path}`, { method, headers, body, redirect: "error", signal: AbortSignal.timeout(120_000) });
      const text = await reply.text();
      if (reply.ok) return text === "" ? undefined : JSON.parse(text);
      words = `${method} ${path.split("?")[0]}: ${reply.status} ${text.slice(0, 500)}`;
      if (reply.status < 500 && reply.status !== 429) throw new Refused(words);
    } catch (error) {
      if (error instanceof Refused) throw error;
      words ??= `${method} ${path.split("?")[0]}: ${error.cause?.message ?? error.message}`;
    }
    if (attempt === TRIES) throw new Error(words);
    await sleep(500 * 2 ** attempt);
  }
}

async function backup() {
  const head = await call("GET", "/backup");
  if (head.format !== FORMAT || head.version !== VERSION) throw new Error(`the deployment writes ${head.format} ${head.version}`);
  const partial = `${file}.part`;
  const hash = crypto.createHash("sha256");
  const rows = {};
  let pages = 0;
  async function* lines() {
    const line = (value) => {
      const text = `${JSON.stringify(value)}\n`;
      hash.update(text);
      return text;
    };
    yield line(head);
    for (const part of head.parts) {
      let cursor;
      do {
        const asked = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
        const page = await call("GET", `/backup/${part}${asked}`);
        for (const { table, rows: some } of page.tables) {
          const key = `${part}/${table}`;
          rows[key] = (rows[key] ?? 0) + some.length;
        }
        if (page.tables.length > 0) {
          pages += 1;
          yield line({ part, tables: page.tables });
        }
        cursor = page.cursor ?? undefined;
      } while (cursor !== undefined);
      say(`  ${part}: done`);
    }
    yield `${JSON.stringify({ end: true, pages, rows, sha256: hash.digest("hex") })}\n`;
  }
  try {
    await pipeline(lines(), zlib.createGzip(), fs.createWriteStream(partial, { mode: 0o600, flags: "w" }));
    const done = fs.openSync(partial, "r");
    fs.fsyncSync(done);
    fs.closeSync(done);
    fs.renameSync(partial, file);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  }
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  say(`${file}: ${total} rows in ${pages} pages, ${fs.statSync(file).size} bytes. The key (EDGEWATCH_KEY) is not in it.`);
}

/** A backup's lines, each with its value. A line ends at a line feed and nowhere else: names may hold other signs that end lines. */
async function* values() {
  const packed = fs.createReadStream(file);
  const unpacked = packed.pipe(zlib.createGunzip());
  packed.on("error", (error) => unpacked.destroy(error));
  let parts = [];
  for await (const chunk of unpacked) {
    let from = 0;
    for (let at; (at = chunk.indexOf(10, from)) >= 0; from = at + 1) {
      const line = Buffer.concat([...parts, chunk.subarray(from, at)]);
      parts = [];
      yield [line, JSON.parse(line.toString("utf8"))];
    }
    parts.push(chunk.subarray(from));
  }
  if (parts.some((part) => part.length > 0)) throw new Error("its last line has no end");
}

/** Reads all of a file and throws unless it is a whole backup: gives its head and its end. */
async function checked() {
  const hash = crypto.createHash("sha256");
  const rows = {};
  let head;
  let end;
  let pages = 0;
  try {
    for await (const [line, value] of values()) {
      if (end) throw new Refused("there is something behind its end");
      if (!head) {
        if (value?.format !== FORMAT) throw new Refused("it is no backup of Edgewatch");
        if (value.version !== VERSION) throw new Refused(`it is of version ${value.version}, and this is a program for version ${VERSION}`);
        head = value;
      } else if (value.end === true) {
        end = value;
        continue;
      } else {
        pages += 1;
        if (!head.parts.includes(value.part)) throw new Refused(`it has a part ${value.part} that its head does not name`);
        for (const { table, rows: some } of value.tables) {
          const key = `${value.part}/${table}`;
          rows[key] = (rows[key] ?? 0) + some.length;
        }
      }
      hash.update(line);
      hash.update("\n");
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    if (["ENOENT", "EACCES", "EISDIR"].includes(error.code)) throw new Refused(error.message);
    throw new Refused(head ? `it is truncated or damaged (${error.message})` : "it is no backup of Edgewatch");
  }
  if (!head) throw new Refused("it is empty");
  if (!end) throw new Refused("it is truncated: its end is missing");
  if (end.sha256 !== hash.digest("hex")) throw new Refused("it is damaged: its checksum is another one");
  const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
  if (end.pages !== pages || !same(end.rows, rows)) throw new Refused("it is damaged: its counts are others");
  return { head, end };
}

/** Rows of one table in as many calls as they need. */
function* split({ table, columns, rows }) {
  let some = [];
  let bytes = 0;
  for (const row of rows) {
    const size = Buffer.byteLength(JSON.stringify(row)) + 1;
    if (some.length > 0 && bytes + size > MOST_BYTES) {
      yield { table, columns, rows: some };
      [some, bytes] = [[], 0];
    }
    some.push(row);
    bytes += size;
  }
  if (some.length > 0) yield { table, columns, rows: some };
}

async function restore() {
  const { head, end } = await checked();
  say(`${file}: whole; ${end.pages} pages, made ${new Date(head.made_at_s * 1000).toISOString()} by ${head.edgewatch}`);
  await call("POST", "/restore", JSON.stringify(head));
  const sums = Object.fromEntries(head.parts.map((part) => [part, 0]));
  let sequence = 0;
  for await (const [, value] of values()) {
    if (value.tables === undefined) continue;
    for (const table of value.tables) {
      for (const some of split(table)) {
        sequence += 1;
        await call("POST", `/restore/${value.part}/${sequence}`, JSON.stringify(some));
        sums[value.part] += some.rows.length;
      }
    }
  }
  const { rows } = await call("POST", "/restore/finish", JSON.stringify({ rows: sums }));
  say(`restored ${rows} rows. Users, passwords and tokens are those of the backup from now on.`);
}

try {
  await { backup, restore, check: checked }[process.argv[2]]();
} catch (error) {
  say(`${process.argv[2]}: ${file}: ${error.message}`);
  process.exitCode = 1;
}
