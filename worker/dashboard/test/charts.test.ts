// Ranges, columns, axes and words of charts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bounds, everyS, pointsFor, rangeQuery, readRange, sameRange, span } from "../src/charts/range.ts";
import { chunks, join, lacksMaximum, lineOf, stack, statsOf, statsOfSeries } from "../src/charts/series.ts";
import { timeMarks, writeMark as writeTime } from "../src/charts/time.ts";
import { marks, scaleTo, write, writeMark } from "../src/charts/units.ts";
import { part } from "./part.ts";

const DAY_S = 86_400;

test("a range stands in the address and comes back out of it", () => {
  for (const text of ["range=live", "range=24h", "range=5y", "from=1800000000&to=1800003600", ""]) {
    const range = readRange(new URLSearchParams(text));
    const written = Object.entries(rangeQuery(range)).filter((pair): pair is [string, string] => pair[1] !== null);
    assert.ok(sameRange(readRange(new URLSearchParams(written)), range), text);
  }
  for (const wrong of ["range=13m", "from=5", "from=20&to=10", "from=a&to=b", "from=1e9&to=2e9", "from=-5&to=5"]) {
    assert.deepEqual(readRange(new URLSearchParams(wrong)), { kind: "last", name: "1h", spanS: 3_600 }, wrong);
  }
});

test("a span is neither shorter than a minute nor longer than what is kept", () => {
  assert.deepEqual(span(1_000_000, 1_000_010), { kind: "span", fromS: 999_975, toS: 1_000_035 });
  const longest = span(0, 4e9);
  assert.ok(longest?.kind === "span" && longest.toS - longest.fromS <= 5 * 366 * DAY_S + 1);
  assert.equal(span(10, 10), null);
  assert.equal(span(Number.NaN, 10), null);
});

test("a moving range ends behind this very second, and is asked for again", () => {
  assert.deepEqual(bounds({ kind: "live" }, 1000.5), { fromS: 401, toS: 1001 });
  assert.equal(everyS({ kind: "span", fromS: 0, toS: 10 }, 1000), undefined, "what is over changes no more");
  assert.equal(everyS({ kind: "span", fromS: 0, toS: 990 }, 1000), 60);
  assert.ok((everyS({ kind: "last", name: "5y", spanS: 5 * 365 * DAY_S }, 0) ?? 0) >= 600);
});

test("no more points are asked for than can be seen, and none between two samples", () => {
  assert.equal(pointsFor(600, 600), 60);
  assert.equal(pointsFor(DAY_S, 600), 400);
  assert.equal(pointsFor(DAY_S, 9000), 600);
});

test("lines with other times are joined, and what is a gap stays one", () => {
  const joined = join([{ at: [10, 20, 30], values: [1, null, 3] }, { at: [15, 30], values: [5, 6] }]);
  assert.deepEqual(joined.at, [10, 15, 20, 30]);
  assert.deepEqual(joined.values, [[1, undefined, null, 3], [undefined, 5, undefined, 6]]);
});

test("a maximum that was not kept is the average", () => {
  const series = part("cpu_percent", [[0, 1, 4], [10, null, null], [20, 2, null]]);
  assert.deepEqual(lineOf(series, "maximum").values, [4, null, 2]);
  assert.equal(lacksMaximum([series]), false);
  assert.equal(lacksMaximum([part("load1", [[0, 1, null]])]), true);
  assert.equal(lacksMaximum([part("load1", [])]), false, "of nothing nothing is missing");
});

test("the point of a long time lies in its middle", () => {
  assert.deepEqual(lineOf(part("load1", [[0, 1, 1], [600, 2, 2]], 600), "average", 2), { at: [300, 900], values: [2, 4] });
});

test("what is said of a line counts its samples", () => {
  const series = { ...part("load1", [[0, 1, 9], [10, null, null], [20, 3, 4]]), samples: [3, 0, 1] };
  assert.deepEqual(statsOfSeries(series), { min: 1, average: 1.5, max: 9, now: 3 });
  assert.deepEqual(statsOf([null, undefined]), {});
});

test("lines stand on each other, and where none has a value there is a gap", () => {
  assert.deepEqual(stack([[1, null, 2], [3, null, null]]), [[1, null, 2], [4, null, 2]]);
});

test("questions are of twenty metrics each", () => {
  assert.deepEqual(chunks([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
});

test("an axis ends at a round value with at most six marks", () => {
  for (const [unit, largest] of [["percent", 3], ["bytes_per_s", 1.3e6], ["load", 0.03], ["count", 7], ["ms", 412], ["number", 1e-5], ["bytes", 5e12], ["celsius", 71]] as const) {
    const { top, step } = scaleTo(unit, largest);
    assert.ok(top >= largest, `${unit} ${top}`);
    assert.ok(marks(0, top, step).length <= 6, `${unit}: ${marks(0, top, step)}`);
  }
  assert.deepEqual([scaleTo("percent", 23), scaleTo("percent", 12, 100)], [{ top: 25, step: 5 }, { top: 100, step: 20 }]);
  assert.ok(marks(-0.5, 2, 0.5).every((value) => !Object.is(value, -0)), "nothing has no sign");
  assert.equal(scaleTo("bytes", 3 * 2 ** 30, 7.7 * 2 ** 30).step, 2 * 2 ** 30, "marks are round, also where the whole is not");
});

test("values bear their unit", () => {
  assert.equal(write("percent", 12.34), "12 %");
  assert.equal(write("bytes_per_s", 1536), "1.5 KiB/s");
  assert.equal(write("ms", 12_345), "12.3 s");
  assert.equal(write("celsius", 45.55), "45.6 °C");
  assert.equal(write("number", 1_234_567), "1.2M");
  assert.equal(write("ops_per_s", undefined), "–");
  assert.equal(writeMark("bytes", 4 * 2 ** 30), "4 GiB");
});

test("marks of time stand at round times, and few of them", () => {
  for (const spanS of [60, 600, 3_600, DAY_S, 7 * DAY_S, 90 * DAY_S, 365 * DAY_S, 5 * 365 * DAY_S]) {
    const { at, stepS } = timeMarks(1_800_000_123, 1_800_000_123 + spanS, 7);
    assert.ok(at.length >= 2 && at.length <= 9, `${spanS}: ${at.length}`);
    assert.ok(at.every((time) => time >= 1_800_000_123 && time <= 1_800_000_123 + spanS));
    if (stepS < 60) continue;
    assert.ok(at.every((time) => time % 60 === 0));
    assert.ok(writeTime(at[0] ?? 0, stepS).length > 0);
  }
});
