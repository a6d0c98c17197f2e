// D1 that can be told to fail, and that counts. The SDK recognises bindings by the name of their class, so the stand-in must be called
// D1Database.

import { d1, fault, refuseWhereExhausted } from "./state.mjs";

// Source: spec/platform.md 1.2, the words D1 uses for errors that may be tried again.
const OVERLOADED = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";
const LOST = "D1_ERROR: Network connection lost.";

/** Runs one call of D1 under the fault that is set. `sql` is its text, for a batch all of its statements. */
async function call(sql, counts, run) {
  refuseWhereExhausted("d1", sql);
  const fails = fault.mode !== "off" && fault.left > 0 && sql.includes(fault.match);
  if (fails) {
    fault.left -= 1;
    fault.fired += 1;
    if (fault.mode === "overloaded") throw new Error(OVERLOADED);
    if (fault.mode === "lost_before") throw new Error(LOST);
  }
  const result = await run();
  counts.d1_calls += 1;
  for (const { meta } of Array.isArray(result) ? result : [result]) {
    counts.d1_rows_read += meta?.rows_read ?? 0;
    counts.d1_rows_written += meta?.rows_written ?? 0;
    d1.bytes = meta?.size_after ?? d1.bytes;
  }
  if (fails) throw new Error(LOST);
  return result;
}

class D1PreparedStatement {
  constructor(real, sql, counts) {
    this.real = real;
    this.sql = sql;
    this.counts = counts;
  }
  bind(...values) {
    return new D1PreparedStatement(this.real.bind(...values), this.sql, this.counts);
  }
  async first(column) {
    // The real `first` tells no meta.
    const row = (await this.all()).results[0] ?? null;
    return column === undefined || row === null ? row : row[column];
  }
  run() {
    return call(this.sql, this.counts, () => this.real.run());
  }
  all() {
    return call(this.sql, this.counts, () => this.real.all());
  }
  raw(...options) {
    return call(this.sql, this.counts, () => this.real.raw(...options));
  }
}

export class D1Database {
  /** `counts` takes what the calls cost. */
  constructor(real, counts) {
    this.real = real;
    this.counts = counts;
  }
  prepare(sql) {
    return new D1PreparedStatement(this.real.prepare(sql), sql, this.counts);
  }
  batch(statements) {
    const sql = statements.map((statement) => statement.sql).join(";\n");
    return call(sql, this.counts, () => this.real.batch(statements.map((statement) => statement.real)));
  }
  exec(sql) {
    return call(sql, this.counts, () => this.real.exec(sql));
  }
  withSession(constraint) {
    return new D1DatabaseSession(this.real.withSession(constraint), this.counts);
  }
}

class D1DatabaseSession extends D1Database {
  getBookmark() {
    return this.real.getBookmark();
  }
}
