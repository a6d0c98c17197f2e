// Which charts a host has.

import assert from "node:assert/strict";
import { test } from "node:test";

import type { SeriesPart } from "../src/charts/series.ts";
import type { HostNow } from "../src/live/types.ts";
import { builtInCharts, draw, isOwn, metricName, metricsOf, namedCharts, unitOf } from "../src/pages/host/plan.ts";
import { withTail } from "../src/pages/host/tail.ts";
import { part } from "./part.ts";

const NAMES = [
  "cpu.user.percentage", "cpu.system.percentage", "cpu.idle.percentage", "memory.used", "memory.cached", "loadavg5",
  "filesystem.vda1.size", "filesystem.vda1.used", "filesystem.lost.used", "disk.vda.reads.delta", "disk.vda.writes.delta", "interface.eth0.rxBytes.delta",
  "interface.eth0.txBytes.delta", "temperature/coretemp/Core 0", "probe/3/up", "probe/3/delay_ms", "probe/9/delay_ms", "guest.100.cpu_percent", "custom.dice.d6", "custom.dice.d20", "plain",
];

test("names become charts, each where it belongs", () => {
  const specs = namedCharts(NAMES, { mounts: new Map([["vda1", "/"]]), probes: new Map([[3, "web"]]) });
  const lines = Object.fromEntries(specs.map((spec) => [spec.id, spec.lines.map((line) => line.label)]));
  assert.deepEqual(lines, {
    cpu_parts: ["host.line_user", "host.line_system", "host.line_idle"], memory_parts: ["host.line_used", "host.line_cached"], space: ["/"], disk_reads: ["vda"], disk_writes: ["vda"],
    interface_rx: ["eth0"], interface_tx: ["eth0"], temperature: ["coretemp/Core 0"], delay: ["web"], "own:number custom.dice:0": ["d6", "d20"], "own:number plain:0": ["plain"],
  });
  assert.ok(metricsOf(specs).includes("filesystem.vda1.size"), "a share needs its whole");
  assert.ok(!metricsOf(specs).some((metric) => metric.startsWith("guest.")), "guests have pages of their own");
});

test("what every host has is not its own", () => {
  assert.deepEqual(NAMES.filter(isOwn), ["custom.dice.d6", "custom.dice.d20", "plain"]);
});

test("its own metrics bear the units that somebody said", () => {
  const units = new Map([["custom.queue.bytes", unitOf("bytes")], ["custom.queue.length", unitOf("integer")], ["custom.queue.odd", unitOf("furlongs")]]);
  const specs = namedCharts([...units.keys()], { units });
  assert.deepEqual(specs.map((spec) => [spec.title, spec.unit]), [["custom.queue.bytes", "bytes"], ["custom.queue.length", "count"], ["custom.queue.odd", "number"]]);
  assert.equal(unitOf(null), "number");
});

test("many lines are several charts, and names that are alike are told apart", () => {
  const many = Array.from({ length: 19 }, (_, at) => `temperature/core ${at}`);
  assert.deepEqual(namedCharts(many, {}).map((spec) => spec.lines.length), [8, 8, 3]);
  const twice = namedCharts(["probe/1/delay_ms", "probe/2/delay_ms"], { probes: new Map([[1, "web"], [2, "web"]]) });
  assert.deepEqual(twice[0]?.lines.map((line) => line.label), ["web", "web (2)"]);
});

test("devices are called as metrics call them", () => {
  assert.equal(metricName("/dev/mapper/vg0-root"), "mapper_vg0-root");
});

test("parts of the processors' time are shares of all of it", () => {
  const [spec] = namedCharts(NAMES, {});
  assert.ok(spec);
  const parts = new Map<string, SeriesPart>([
    ["cpu.user.percentage", part("cpu.user.percentage", [[0, 50, 60], [60, null, null]], 60)],
    ["cpu.system.percentage", part("cpu.system.percentage", [[0, 30, 40], [60, 20, 20]], 60)],
    ["cpu.idle.percentage", part("cpu.idle.percentage", [[0, 120, 130], [60, 180, 180]], 60)],
  ]);
  const drawn = draw(spec, parts, "maximum");
  assert.deepEqual(drawn?.lines.map((line) => line.label), ["host.line_user", "host.line_system"]);
  assert.deepEqual(drawn?.columns.values, [[25, null], [15, 10]], "of two cores 200 is the whole, and maxima have none");
});

test("a chart without a point is none", () => {
  const [cpu] = builtInCharts({});
  assert.ok(cpu);
  assert.equal(draw(cpu, new Map([["cpu_percent", part("cpu_percent", [])]]), "average"), undefined);
  assert.equal(draw(cpu, new Map(), "average"), undefined);
});

test("the newest samples stand behind the history's end, once", () => {
  const host = (at: number, cpu_percent?: number): HostNow => ({ id: 1, public_id: "x", name: "a", display_index: 0, presence: "online", sampled_at_ms: at * 1000, cpu_percent });
  const series = part("cpu_percent", [[0, 1, 1], [10, 2, 2]]);
  assert.deepEqual(withTail(series, [host(10, 9), host(20, 3), host(20, 4), host(30)]).average, [1, 2, 3]);
  assert.deepEqual(withTail(series, [host(500, 3)]).average, [1, 2, null, 3], "a hole stays one");
  assert.equal(withTail({ ...series, step_s: 600 }, [host(2000, 3)]).at_s.length, 2, "a sample is no mean of ten minutes");
  const sensor = { ...host(20), temperatures: [{ name: "cpu", celsius: 45 }] };
  assert.deepEqual(withTail(part("temperature/cpu", []), [sensor]).average, [45]);
});
