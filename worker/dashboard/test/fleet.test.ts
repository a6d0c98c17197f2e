// The pure parts of the fleet: frames taken in, the window, the list in its order and groups, the lines in view, the command of a new host.

import assert from "node:assert/strict";
import { test } from "node:test";

import { backOff, taken, windowOf } from "../src/live/fleet.ts";
import type { HostNow } from "../src/live/types.ts";
import { arrived, installCommand } from "../src/pages/add/command.ts";
import { between, counts, fits, type Item, lines, listed, moves, offsets, type View } from "../src/pages/fleet/view.ts";

const host = (id: number, more: Partial<HostNow> = {}): HostNow => ({ id, public_id: `p${id}`, name: `host-${id}`, display_index: 0, presence: "online", ...more });
const view = (more: Partial<View> = {}): View => ({ typed: "", shown: "all", groupBy: "none", sort: "order", isDown: false, folded: new Set(), ...more });
const names = (one: string, other: string): number => one.localeCompare(other);
const keys = (items: readonly Item[]): string[] => items.map((item) => item.key);
const map = (...all: HostNow[]): ReadonlyMap<number, HostNow> => new Map(all.map((one) => [one.id, one]));

test("a snapshot replaces, a delta changes, and what was measured anew is told", () => {
  const first = taken(new Map(), { type: "snapshot", version: 1, now_ms: 0, hosts: [host(1, { sampled_at_ms: 5 }), host(2)], banner: null });
  assert.deepEqual([[...first.hosts.keys()], first.sampled.map((one) => one.id)], [[1, 2], [1]]);
  const second = taken(first.hosts, { type: "delta", now_ms: 0, hosts: [host(1, { sampled_at_ms: 5, name: "other" }), host(3, { sampled_at_ms: 1 })], gone: [2], banner: null });
  assert.deepEqual([[...second.hosts.keys()], second.sampled.map((one) => one.id)], [[1, 3], [3]]);
  assert.equal(second.hosts.get(1)?.name, "other");
  assert.equal(first.hosts.get(1)?.name, "host-1", "what was shown is not changed under anybody");
  const third = taken(second.hosts, { type: "snapshot", version: 1, now_ms: 0, hosts: [], banner: null });
  assert.equal(third.hosts.size, 0);
});

test("the window has fifty hosts at most, from every part of the page", () => {
  const many = Array.from({ length: 80 }, (_, at) => at + 1);
  assert.equal(windowOf([many]).length, 50);
  assert.deepEqual(windowOf([[1, 2], [9, 1]]), [1, 9, 2]);
  assert.ok(windowOf([many, [900]]).includes(900), "one that is shown alone is not crowded out");
});

test("tries are spread and never rarer than twice a minute", () => {
  assert.equal(backOff(0, 0), 0.5);
  assert.equal(backOff(0, 1), 1);
  assert.equal(backOff(99, 1), 30);
});

test("the list is found by words, states and order", () => {
  const all = [host(1, { name: "beta", cpu_percent: 5 }), host(2, { name: "alpha", presence: "offline", tag: "prod" }), host(3, { name: "gamma", display_index: 9, cpu_percent: 80, tags: ["db"] })];
  assert.deepEqual(keys(listed(all, view(), names)), ["3", "2", "1"]);
  assert.deepEqual(keys(listed(all, view({ sort: "name", isDown: true }), names)), ["3", "1", "2"]);
  assert.deepEqual(keys(listed(all, view({ sort: "cpu", isDown: true }), names)), ["3", "1", "2"], "what is not known comes last");
  assert.deepEqual(keys(listed(all, view({ sort: "cpu" }), names)), ["1", "3", "2"], "both ways");
  assert.deepEqual(keys(listed(all, view({ typed: "PROD off" }), names)), ["2"]);
  assert.deepEqual(keys(listed(all, view({ shown: "online", typed: "db" }), names)), ["3"]);
  assert.deepEqual(counts(all, "a"), { all: 3, online: 2, offline: 1, never: 0 });
  assert.ok(fits(host(4), "  "));
});

test("groups hold their hosts until they are folded; those of two tags stand in both", () => {
  const all = [host(1, { tag: "b", tags: ["x", "y"] }), host(2, { tag: "a", presence: "offline" }), host(3)];
  assert.deepEqual(keys(listed(all, view({ groupBy: "group" }), names)), ["group:a", "group:a/2", "group:b", "group:b/1", "group:", "group:/3"]);
  assert.deepEqual(keys(listed(all, view({ groupBy: "group", folded: new Set(["group:a"]) }), names)), ["group:a", "group:b", "group:b/1", "group:", "group:/3"]);
  assert.deepEqual(keys(listed(all, view({ groupBy: "tag" }), names)), ["tag:x", "tag:x/1", "tag:y", "tag:y/1", "tag:", "tag:/2", "tag:/3"]);
  const [group] = listed(all, view({ groupBy: "group" }), names);
  assert.deepEqual(group, { kind: "group", key: "group:a", name: "a", online: 0, count: 1, isFolded: false });
});

test("values alone do not move rows", () => {
  const before = map(host(1), host(2));
  assert.equal(moves(before, map(host(1, { cpu_percent: 9 }), host(2))), false);
  for (const changed of [host(2, { name: "x" }), host(2, { presence: "offline" }), host(2, { tag: "x" }), host(2, { tags: ["x"] }), host(2, { display_index: 1 })]) assert.equal(moves(before, map(host(1), changed)), true);
  assert.equal(moves(before, map(host(1))), true);
  assert.equal(moves(before, map(host(1), host(3))), true);
});

test("only the lines in view are drawn", () => {
  const items: Item[] = [{ kind: "group", key: "g", name: "g", online: 3, count: 3, isFolded: false }, ...[1, 2, 3].map((id): Item => ({ kind: "host", key: `${id}`, id }))];
  const made = lines(items, 2, { group: 30, host: 100 });
  assert.deepEqual(made.map((line) => [line.height, line.items.length]), [[30, 1], [100, 2], [100, 1]]);
  const tops = offsets(made);
  assert.deepEqual([...tops], [0, 30, 130, 230]);
  assert.deepEqual(between(tops, 0, 10), { from: 0, to: 1 });
  assert.deepEqual(between(tops, 30, 131), { from: 1, to: 3 });
  assert.deepEqual(between(tops, -500, 5000), { from: 0, to: 3 });
  assert.deepEqual(between(offsets([]), 0, 100), { from: 0, to: 0 });
});

test("the command that adds a host names no other address than the page's own", () => {
  assert.equal(installCommand("https://watch.example.com", "abc"), "curl -fsSL https://watch.example.com/install.sh | NEZHA_TOKEN=abc sh");
  assert.equal(installCommand("http://127.0.0.1:8787", "abc"), "curl -fsSL http://127.0.0.1:8787/install.sh | NEZHA_TOKEN=abc sh");
  assert.equal(installCommand("http://10.0.0.2:8787", "abc"), "curl -fsSL http://10.0.0.2:8787/install.sh | EDGEWATCH_INSECURE_HTTP=1 NEZHA_TOKEN=abc sh");
  assert.deepEqual(arrived(new Set([1]), [host(3), host(1), host(2)]).map((one) => one.id), [2, 3]);
});
