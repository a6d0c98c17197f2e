// What the wrapper of the Worker and its objects shares within one isolate: what is to fail, the clock, the counters. A restart of
// workerd forgets all of it.

import { EXHAUSTED } from "./words.mjs";

/** A fault of D1: `left` is the number of calls that still fail, `match` a part of the SQL that a failing call must contain. */
export const fault = { mode: "off", left: 0, match: "", fired: 0 };

/** What is used up: meter → {left, match, class, fired}. */
const exhausted = new Map();

/** How far the test's clock is ahead of the real one, in milliseconds, and since when: newest last. */
const offsets = [{ since_ms: 0, offset_ms: 0, isStep: false }];

export function clockOffset() {
  return offsets[offsets.length - 1].offset_ms;
}

/** When the clock was moved last, by the real one; now, when it never was. */
export function movedAt() {
  return offsets.length > 1 ? offsets[offsets.length - 1].since_ms : Date.now();
}

export function moveClock(offset_ms, isStep) {
  offsets.push({ since_ms: Date.now(), offset_ms, isStep });
}

/**
 * What the test's clock showed at a moment of the real one. In steps, what came between two of them went on until the second one: a step
 * of a minute is no minute of silence.
 */
export function testTime(real_ms) {
  let index = offsets.length - 1;
  while (index > 0 && offsets[index].since_ms > real_ms) index -= 1;
  const next = offsets[index + 1];
  return real_ms + (next?.isStep ? next : offsets[index]).offset_ms;
}

/** Marks a meter as used up (`times` calls long, where they contain `match`, in objects of `class`), or ends it with `times` 0. */
export function exhaust({ meter, times, match, class: of }) {
  if (!EXHAUSTED[meter]) throw new Error(`meter is one of ${Object.keys(EXHAUSTED).join(", ")}`);
  exhausted.set(meter, { left: times ?? Number.MAX_SAFE_INTEGER, match: match ?? "", class: of, fired: 0 });
}

export function exhaustedNow() {
  return Object.fromEntries([...exhausted].map(([meter, { left, fired }]) => [meter, { left, fired }]));
}

const WRITES = /(^|;)\s*(insert|update|delete|replace|create|drop|alter|vacuum)\b/i;

/** Throws the platform's words when a meter that counts this kind of call is used up. `what` is the SQL, or the event's name. */
export function refuseWhereExhausted(where, what, of) {
  for (const [meter, limit] of exhausted) {
    const { where: kind, fails, text } = EXHAUSTED[meter];
    if (kind !== where || limit.left <= 0 || !what.includes(limit.match)) continue;
    if (limit.class !== undefined && limit.class !== of) continue;
    if (fails === "writes" && !WRITES.test(what)) continue;
    limit.left -= 1;
    limit.fired += 1;
    throw new Error(text);
  }
}

/** Counts of one object: what the platform's list counts. Times in milliseconds. */
export function freshCounts() {
  return {
    constructed: 0,
    fetches: 0,
    messages: 0,
    message_bytes: 0,
    closes: 0,
    alarms: 0,
    alarms_set: 0,
    rows_read: 0,
    rows_written: 0,
    statements: 0,
    active_ms: 0,
    d1_rows_read: 0,
    d1_rows_written: 0,
    d1_calls: 0,
    bytes: 0,
  };
}

/** `Class/name` → counts. */
const objects = new Map();

export function countsOf(key) {
  let counts = objects.get(key);
  if (!counts) objects.set(key, (counts = freshCounts()));
  return counts;
}

/** Of the Worker itself; its D1 rows are without those of the objects. */
export const worker = { requests: 0, schedules: 0, active_ms: 0, d1_rows_read: 0, d1_rows_written: 0, d1_calls: 0 };

export const d1 = { bytes: 0 };

export function meters() {
  return { worker: { ...worker }, d1: { ...d1 }, objects: Object.fromEntries(objects) };
}

/** Everything counts from 0 again, but for what is held. */
export function resetMeters() {
  for (const key of Object.keys(worker)) worker[key] = 0;
  for (const [key, counts] of objects) objects.set(key, Object.assign(counts, freshCounts(), { bytes: counts.bytes }));
}

/** Alarms by the test's clock: `Class/name` → {class, name, due_ms}. The runtime's own go by the real one. */
export const alarms = new Map();
