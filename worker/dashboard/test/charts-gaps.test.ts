// Why there is nothing in a part of a chart.

import assert from "node:assert/strict";
import { test } from "node:test";

import { type EventPart, type GapQuestion, bandAt, bands, tally } from "../src/charts/gaps.ts";

const T = 1_800_000_000;

/** Points each ten seconds from 0 to 600 s, but for those in holes; the uptime runs on unless the host was started anew. */
function question(holes: [number, number][], more: Partial<GapQuestion> & { startedS?: number } = {}): GapQuestion {
  const at_s: number[] = [];
  const samples: number[] = [];
  const uptime: (number | null)[] = [];
  let inHole = false;
  for (let at = 0; at < 600; at += 10) {
    const isHole = holes.some(([from, to]) => at >= from && at < to);
    // As the API does: one element without samples between two points.
    if (isHole && !inHole && at > 0) at_s.push(T + at), samples.push(0), uptime.push(null);
    if (!isHole) at_s.push(T + at), samples.push(1), uptime.push(more.startedS === undefined || at < more.startedS ? 100_000 + at : at - more.startedS);
    inHole = isHole;
  }
  return { fromS: T, toS: T + 600, nowS: T + 601, complete: true, measured: { at_s, step_s: 10, samples, uptime }, events: [], presence: "online", ...more };
}

function event(kind: string, at: number, text = "", host: number | null = 7): EventPart {
  return { key: `${kind}${at}`, kind, host_id: host, at_s: T + at, text };
}

const offline = (at: number, silent: number): EventPart => event("host_offline", at, `alpha is offline: no sign of life for ${silent} s`);
const found = (asked: GapQuestion): [string, number, number][] => bands(asked).map((band) => [band.kind, band.fromS - T, band.toS - T]);

test("where every sample is there is no band", () => {
  assert.deepEqual(found(question([])), []);
});

test("a host that was started within the gap was down", () => {
  assert.deepEqual(found(question([[200, 400]], { startedS: 380, events: [offline(225, 25), event("host_online", 400)] })), [["down", 200, 400]]);
});

test("a host whose uptime went on through the gap was cut off", () => {
  assert.deepEqual(found(question([[200, 400]], { events: [offline(225, 25), event("host_online", 400)] })), [["cut", 200, 400]]);
  assert.deepEqual(found(question([[200, 400]])), [["cut", 200, 400]], "also when nobody called it offline");
});

test("without an uptime silence is all that is known", () => {
  const measured = { ...question([[200, 400]]).measured, uptime: undefined };
  assert.deepEqual(found(question([[200, 400]], { measured, events: [offline(225, 25), event("host_online", 400)] })), [["down", 200, 400]]);
  assert.deepEqual(found(question([[200, 400]], { measured })), [["unknown", 200, 400]]);
});

test("we were away when that was told of the gap's time, whatever else is known", () => {
  const impaired = event("monitoring_impaired", 400, "nobody judged for 200 s; no host is called offline for the next 3 minutes", null);
  assert.deepEqual(found(question([[200, 400]], { events: [impaired] })), [["away", 200, 400]]);
  const long = event("monitoring_impaired", 205, "12 of 20 hosts fell silent at once; it may be us", null);
  assert.deepEqual(found(question([[200, 400]], { events: [long] })), [["away", 200, 400]]);
  const elsewhere = event("monitoring_impaired", 590, "nobody judged for 60 s", null);
  assert.deepEqual(found(question([[200, 400]], { events: [elsewhere] })), [["cut", 200, 400]], "another time is not this one");
});

test("of an answer that is not complete a gap says nothing of the host", () => {
  assert.deepEqual(found(question([[200, 400]], { complete: false, startedS: 380 })), [["away", 200, 400]]);
});

test("a host that is silent now is down from its last sign of life on", () => {
  const asked = question([[420, 600]], { presence: "offline", lastSeenS: T + 415, events: [offline(440, 25)] });
  assert.deepEqual(found(asked), [["down", 420, 600]]);
});

test("what is on its way is no gap", () => {
  assert.deepEqual(found(question([[550, 600]])), []);
});

test("a gap at the beginning is one where something is known of it", () => {
  const events = [event("host_online", 200)];
  assert.deepEqual(found(question([[0, 200]], { events })), [["cut", 0, 200]], "it was offline since before");
  assert.deepEqual(found(question([[0, 200]])), [], "it may not have been there yet");
});

test("samples of a time in which the host was thought to be offline came later", () => {
  const events = [offline(225, 25), event("host_online", 400)];
  assert.deepEqual(found(question([], { events })), [["late", 200, 400]]);
  assert.deepEqual(found(question([[300, 400]], { events })), [["late", 200, 300], ["cut", 300, 400]], "its spool was too small for all of it");
});

test("the rhythm of reports is no gap", () => {
  assert.deepEqual(found(question([[200, 210]])), []);
});

test("bands are summed within what is shown, and found by time", () => {
  const all = bands(question([[100, 200], [300, 400]]));
  assert.deepEqual(tally(all, T + 150, T + 600), new Map([["cut", { count: 2, seconds: 150 }]]));
  assert.equal(bandAt(all, T + 150)?.kind, "cut");
  assert.equal(bandAt(all, T + 250), undefined);
});
