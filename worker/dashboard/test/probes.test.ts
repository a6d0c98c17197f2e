// Probes: what was typed and what is sent, and what thirty days amount to.

import assert from "node:assert/strict";
import { test } from "node:test";

import { byState, certificate, covers, dayAt, emptyDraft, fromDraft, linesOf, placeOf, ticks, toDraft, toneOfDay, uptime, type Draft, type ProbeBody } from "../src/pages/probes/probe.ts";

const say = (mistake: string): string => mistake;
const FULL: ProbeBody = {
  name: "web", kind: "http", target: "https://example.com/health", interval_s: 60, hosts: { all_but: [2] }, from_edge: true, public: true, delays_public: false,
  notify: { state: true, delay: true, min_delay_ms: 5, max_delay_ms: 500.5, certificate_days: 14, group: "night" },
};

test("a probe that is opened and saved is the same probe", () => {
  for (const body of [FULL, { ...FULL, hosts: { only: [7, 9] } }, { ...FULL, hosts: { all_but: [] } }]) {
    const read = fromDraft(toDraft(body), say);
    assert.ok("body" in read, JSON.stringify(read));
    assert.deepEqual(read.body, body);
  }
});

test("targets are looked at before they are sent", () => {
  const errors = (changes: Partial<Draft>): Record<string, string> => {
    const read = fromDraft({ ...toDraft(FULL), ...changes }, say);
    return "errors" in read ? read.errors : {};
  };
  for (const target of ["https://example.com", "http://[2001:db8::1]:8080/x?y", "HTTPS://a.b/#c"]) assert.deepEqual(errors({ target }), {}, target);
  for (const target of ["example.com", "ftp://a", "https://u:p@example.com/", "https://a b", "https://"]) assert.equal(errors({ target }).target, "url", target);
  for (const target of ["example.com:443", "[2001:db8::1]:22"]) assert.deepEqual(errors({ kind: "tcp", target, fromEdge: false }), {}, target);
  for (const target of ["example.com", "a:b", "https://a:1"]) assert.equal(errors({ kind: "tcp", target }).target, "host_port", target);
  assert.deepEqual(errors({ kind: "icmp", target: "2001:db8::1", fromEdge: false }), {});
  assert.deepEqual(errors({ kind: "icmp", target: "https://a" }), { target: "host", from_edge: "no_pings" });
  assert.deepEqual(errors({ name: " ", target: "", interval: "5", reach: "only", hosts: [], fromEdge: false, maxDelay: "x", certificateDays: "4000" }), {
    name: "needed", target: "needed", interval_s: "interval", hosts: "nobody_asks", max_delay_ms: "number", certificate_days: "days",
  });
  assert.equal(errors({ minDelay: "9", maxDelay: "8" }).min_delay_ms, "crossed");
  assert.equal(errors({ minDelay: "", maxDelay: "" }).max_delay_ms, "delay_needed");
  assert.deepEqual([placeOf("notify.certificate_days"), placeOf("target"), placeOf(undefined)], ["certificate_days", "target", undefined]);
});

test("a new probe tells of its state, and a ping has no certificate", () => {
  const read = fromDraft({ ...emptyDraft("icmp"), name: "a", target: "192.0.2.1" }, say);
  assert.ok("body" in read && read.body.notify.state && read.body.notify.certificate_days === 0 && read.body.interval_s === 30);
});

test("thirty days are summed by their results, and nothing but perfection is a hundred", () => {
  assert.equal(uptime([]), null);
  assert.equal(uptime([{ results: 0, up_percent: null }]), null);
  assert.equal(uptime([{ results: 100, up_percent: 100 }, { results: 300, up_percent: 50 }]), 62.5);
  assert.equal(uptime([{ results: 100_000_000, up_percent: 100 }, { results: 1, up_percent: 0 }]), 99.999);
  assert.deepEqual([null, 100, 95.1, 95, 80.5, 80, 0].map((up_percent) => toneOfDay({ results: 1, up_percent })), ["none", "good", "good", "low", "low", "down", "down"]);
  assert.equal(dayAt(20_000, 30, 29), 20_000 * 86_400 + 43_200);
  assert.equal(dayAt(20_000, 30, 0), 19_971 * 86_400 + 43_200);
});

test("certificates, coverage and order", () => {
  assert.deepEqual([certificate(86_400 * 20, 0), certificate(86_400 * 13, 0), certificate(1, 0), certificate(0, 1)].map((one) => `${one.days} ${one.tone}`), ["20 ok", "13 warn", "0 bad", "-1 bad"]);
  assert.deepEqual([covers({ all_but: [1] }, 1), covers({ all_but: [1] }, 2), covers({ only: [1] }, 1), covers({ only: [1] }, 2)], [false, true, true, false]);
  const list = [{ state: "good", name: "a" }, { state: "down", name: "z" }, { state: "no_data", name: "b" }, { state: "down", name: "y" }] as const;
  assert.deepEqual([...list].sort(byState).map((one) => one.name), ["y", "z", "b", "a"]);
});

test("hosts without a delay have no line, and axes have round steps", () => {
  const part = (host: number, average: (number | null)[]) => ({ host, metric: "m", step_s: 1, at_s: [1, 2], average });
  assert.deepEqual(linesOf({ series: [part(1, [null, 5]), part(2, [null, null])] }).map((line) => line.host), [1]);
  assert.deepEqual([ticks(97, 4), ticks(0, 4), ticks(0.3, 4), ticks(1_000, 4)], [[0, 25, 50, 75, 100], [0, 1], [0, 0.1, 0.2, 0.3], [0, 250, 500, 750, 1_000]]);
});
