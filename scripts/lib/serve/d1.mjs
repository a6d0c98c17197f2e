// D1 for scripts/serve: the runtime has D1's client and no database behind it. Here that is one Durable Object's SQLite, so that it lies in
// a file like the other objects' and is committed like theirs. Speaks both ways of the runtime's client: requests and calls.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

/** The header by which a client asks for a bookmark; there is one copy, so any bookmark is true. */
const BOOKMARK = "x-cf-d1-session-commit-token";
const FIRST_BOOKMARK = "00000000-00000000-00000000-00000000000000000000000000000000";

export class Database extends DurableObject {
  /** Runs all queries in one transaction: [{columns, rows, meta}], or {error}. */
  run(queries) {
    try {
      return { results: this.ctx.storage.transactionSync(() => queries.map((query) => this.#one(query))) };
    } catch (error) {
      return { error: String(error?.message ?? error) };
    }
  }

  #one({ sql, params }) {
    const storage = this.ctx.storage.sql;
    const before = this.#changes();
    const begun = Date.now();
    const binds = (params ?? []).map((value) => (Array.isArray(value) ? new Uint8Array(value).buffer : value));
    const cursor = storage.exec(sql, ...binds);
    const columns = cursor.columnNames;
    const plain = (value) => (value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value);
    const rows = Array.from(cursor.raw(), (row) => row.map(plain));
    const after = this.#changes();
    const duration = Date.now() - begun;
    const changes = after.total - before.total;
    const meta = {
      served_by: "edgewatch",
      served_by_primary: true,
      total_attempts: 1,
      timings: { sql_duration_ms: duration },
      duration,
      changes,
      last_row_id: after.last,
      changed_db: changes > 0 || after.last !== before.last,
      size_after: storage.databaseSize,
      rows_read: cursor.rowsRead,
      rows_written: cursor.rowsWritten,
    };
    return { columns, rows, meta };
  }

  #changes() {
    const [row] = this.ctx.storage.sql.exec("SELECT total_changes() AS total, last_insert_rowid() AS last");
    return row;
  }
}

/** What a client asks for, as a list. Statements of nothing but comments are none. */
function queriesOf(body) {
  const queries = (Array.isArray(body) ? body : [body]).filter(({ sql }) => sql.replace(/^\s*--.*/gm, "").trim() !== "");
  if (queries.length === 0) throw new Error("No SQL statements detected.");
  return queries;
}

export default class extends WorkerEntrypoint {
  async #run(queries) {
    const answer = await this.env.DATABASE.getByName("edgewatch").run(queriesOf(queries));
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.results;
  }

  async query({ queries, bookmark }) {
    const results = await this.#run(queries);
    const raw = results.map(({ columns, rows, meta }) => ({ meta, data: { kind: "raw", columns, rows } }));
    return bookmark ? { results: raw, bookmark: FIRST_BOOKMARK } : { results: raw };
  }

  async fetch(request) {
    const form = new URL(request.url).searchParams.get("resultsFormat");
    try {
      const results = (await this.#run(await request.json())).map(({ columns, rows, meta }) => {
        const objects = () => rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])));
        return { success: true, meta, results: form === "ROWS_AND_COLUMNS" ? { columns, rows } : objects() };
      });
      return Response.json(results, { headers: request.headers.has(BOOKMARK) ? { [BOOKMARK]: FIRST_BOOKMARK } : {} });
    } catch (error) {
      return Response.json({ success: false, error: error.message }, { status: 500 });
    }
  }
}
