// What the platform says when an allowance is used up, one line per meter, for tests of exhaustion. `fails` tells which calls of that
// kind fail: "writes" those that write, "all" every one.
//
// Sources: D1's two texts: cloudflare-docs, changelog/d1/2026-09-01-d1-free-tier-limit-enforcement.mdx @84bfcc59; its storage: cloudflare-docs
// pull request 24991 and a production report of August 2026 (get-engram/engram pull request 341). Objects: the four texts as public
// projects report and match them (lyc8503/UptimeFlare issue 109 for duration; the others as constants in several repositories, with
// "until midnight UTC"). SQLITE_FULL: cloudflare-docs issue 29058, which names workerd's sql-test.js. Worker requests: cloudflare-docs,
// workers/platform/limits (error 1027).

const D1_DAY = "Upgrade to a paid plan or wait until tomorrow (midnight UTC) to continue.";

export const EXHAUSTED = {
  d1_rows_read: { where: "d1", fails: "all", text: `D1_ERROR: Your account has exceeded D1's free tier daily row read limit. ${D1_DAY}` },
  d1_rows_written: { where: "d1", fails: "writes", text: `D1_ERROR: Your account has exceeded D1's free tier daily row write limit. ${D1_DAY}` },
  d1_storage: { where: "d1", fails: "writes", text: "D1_ERROR: Exceeded maximum DB size" },
  object_rows_read: { where: "sql", fails: "all", text: "Exceeded allowed rows read in Durable Objects free tier." },
  object_rows_written: { where: "sql", fails: "writes", text: "Exceeded allowed rows written in Durable Objects free tier." },
  object_storage: { where: "sql", fails: "writes", text: "database or disk is full: SQLITE_FULL" },
  object_requests: { where: "event", fails: "all", text: "Exceeded allowed volume of requests in Durable Objects free tier." },
  object_duration: { where: "event", fails: "all", text: "Exceeded allowed duration in Durable Objects free tier." },
  worker_requests: { where: "worker", fails: "all", text: "error code: 1027" },
};
