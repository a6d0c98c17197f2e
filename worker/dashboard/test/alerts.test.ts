// Alerts and events: what is wanted of them, and what their sentences say.

import assert from "node:assert/strict";
import { test } from "node:test";

import { byDay, byUrgency, isOfHost, isWanted, kindOfAlert, readOn, subject, type Alert, type Filter } from "../src/pages/alerts/alert.ts";

const ALERT: Alert = {
  key: "k", source: "rule", source_id: 3, host_id: 7, opened_at_s: 100, closed_at_s: null, text: "t", detail: "", acknowledged_at_s: null, acknowledged_by: null, severity: "critical",
};
const ANY: Filter = { host: "", kind: "", severity: "", rule: "" };
const name = (id: number): string => (id === 7 ? "Fra-1" : `host ${id}`);

test("a sentence loses its mark, and its host where that stands beside it", () => {
  for (const [text, host, shown] of [
    ["[Incident] fra-1(203.****.7) busy", "fra-1", "busy"],
    ["[Resolved] fra-1() cpu (all) high", "fra-1", "cpu (all) high"],
    ["[Incident] fra-1(203.****.7/2001:db8:****:0:7) x", "fra-1", "x"],
    ["[Incident] a) (b() busy", "a) (b", "busy"],
    ["[Incident] other(203.****.7) busy", "fra-1", "other(203.****.7) busy"],
    ["[Incident] probe down", undefined, "probe down"],
    ["fra-1 is offline: no sign of life for 61 s", "fra-1", "is offline: no sign of life for 61 s"],
    ["[IP Changed] fra-1, 203.****.7 => 198.****.9", "fra-1", "203.****.7 => 198.****.9"],
    ["fra-10 is online again", "fra-1", "fra-10 is online again"],
    ["something else", "fra-1", "something else"],
    ["[Incident] fra-1(cut", "fra-1", "fra-1(cut"],
  ] as const) {
    assert.equal(subject(text, host), shown, text);
  }
});

test("alerts are found by host, kind, severity and rule", () => {
  const probe: Alert = { ...ALERT, source: "probe_latency", severity: "warning", host_id: null };
  assert.deepEqual([kindOfAlert(ALERT), kindOfAlert(probe)], ["rule", "probe"]);
  const wanted = (alert: Alert, filter: Partial<Filter>) => isWanted(alert, { ...ANY, ...filter }, name);
  assert.ok(wanted(ALERT, {}) && wanted(ALERT, { host: " FRA ", kind: "rule", severity: "critical", rule: "3" }));
  assert.ok(!wanted(ALERT, { host: "par" }) && !wanted(ALERT, { kind: "probe" }) && !wanted(ALERT, { severity: "warning" }) && !wanted(ALERT, { rule: "4" }));
  assert.ok(wanted(probe, { kind: "probe" }) && !wanted(probe, { host: "fra" }) && !wanted({ ...probe, source_id: 3 }, { rule: "3" }));
  assert.ok(isOfHost(null, "", name) && !isOfHost(null, "x", name));
});

test("the worst comes first, and what somebody knows of last", () => {
  const alerts: Alert[] = [
    { ...ALERT, key: "known", acknowledged_at_s: 5 },
    { ...ALERT, key: "warning", severity: "warning", opened_at_s: 900 },
    { ...ALERT, key: "old" },
    { ...ALERT, key: "new", opened_at_s: 200 },
  ];
  assert.deepEqual(alerts.sort(byUrgency).map((one) => one.key), ["new", "old", "warning", "known"]);
});

test("reading on ends when there is enough, nothing left, or what is left is too old", async () => {
  const asked: (string | null)[] = [];
  // Ten to a page, a second apart, 100 in all.
  const ask = async (cursor: string | null) => {
    asked.push(cursor);
    const first = cursor === null ? 100 : Number(cursor);
    const rows = Array.from({ length: Math.min(10, first) }, (_, at) => first - at);
    return { rows, cursor: first > 10 ? String(first - 10) : null };
  };
  const options = { enough: 12, oldestS: -Infinity, at: (row: number) => row, wanted: (row: number) => row % 2 === 0 };
  assert.deepEqual(await readOn(ask, null, options), { rows: [100, 98, 96, 94, 92, 90, 88, 86, 84, 82, 80, 78, 76, 74, 72], cursor: "70" });
  assert.deepEqual(asked, [null, "90", "80"]);
  const young = await readOn(ask, null, { ...options, oldestS: 85 });
  assert.deepEqual([young.rows.at(-1), young.cursor], [86, null]);
  const none = await readOn(ask, null, { ...options, wanted: () => false });
  assert.deepEqual([none.rows, none.cursor], [[], "50"], "five pages at most, and on from there");
  assert.deepEqual(await readOn(ask, "10", options), { rows: [10, 8, 6, 4, 2], cursor: null });
});

test("what happened stands under its day", () => {
  const days = byDay([30, 29, 11], (at) => at, (at) => (at > 20 ? "today" : "yesterday"));
  assert.deepEqual(days, [{ day: "today", rows: [30, 29] }, { day: "yesterday", rows: [11] }]);
});
