// The public page's sentence and order, and what a host's form sends.

import assert from "node:assert/strict";
import test from "node:test";

import { availability, dayMood, groupsOf, noonOf, overallOf, shareOf } from "../src/pages/guest/overall.ts";
import type { Seen } from "../src/pages/guest/overall.ts";
import { confirms, countOf, formOf, patchOf, problems, rolesOf, withTags } from "../src/pages/host-edit/changes.ts";
import type { HostFull } from "../src/pages/host-edit/changes.ts";

const host = (id: number, more: Partial<Seen> = {}): Seen =>
  ({ id, name: `h${id}`, display_index: 0, presence: "online", ...more });

test("one sentence says how everything is", () => {
  const of = (presences: Seen["presence"][], states: ("no_data" | "good" | "low" | "down")[] = []): string => {
    const found = overallOf(presences.map((presence, id) => host(id, { presence })), states.map((state) => ({ state })));
    return `${found.key} ${found.mood}`;
  };
  assert.equal(of([]), "empty none");
  assert.equal(of(["never"]), "waiting none");
  assert.equal(of(["online", "never"]), "allGood ok");
  assert.equal(of(["online"], ["low"]), "allGood warn");
  assert.equal(of(["online", "offline"]), "someDown bad");
  assert.equal(of(["offline", "never"]), "allDown bad");
  assert.equal(of(["online"], ["down"]), "probesDown bad");
  assert.equal(of([], ["good"]), "allGood ok");
});

test("hosts come by group, the nameless group last, and by their display order", () => {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const groups = groupsOf([host(1), host(2, { tag: "web" }), host(3, { tag: "db", presence: "offline" }), host(4, { tag: "web", display_index: 9 })], compare);
  assert.deepEqual(groups.map(({ name, hosts, up, down }) => [name, hosts.map(({ id }) => id), up, down]), [["db", [3], 0, 1], ["web", [4, 2], 2, 0], ["", [1], 1, 0]]);
});

test("a share needs both sides", () => {
  assert.equal(shareOf(1, 4), 25);
  assert.equal(shareOf(9, 4), 100);
  for (const [used, total] of [[undefined, 4], [1, undefined], [1, 0]] as const) assert.equal(shareOf(used, total), undefined);
});

test("days of a probe are painted and counted by their results", () => {
  assert.deepEqual([
    { results: 0, up_percent: null }, { results: 9, up_percent: 100 }, { results: 9, up_percent: 90 }, { results: 9, up_percent: 80 },
  ].map(dayMood), ["none", "good", "low", "down"]);
  assert.equal(availability([{ results: 30, up_percent: 100 }, { results: 10, up_percent: 0 }, { results: 0, up_percent: null }]), 75);
  assert.equal(availability([]), null);
  assert.equal(new Date(noonOf(0) * 1000).toISOString(), "1970-01-01T12:00:00.000Z");
});

const HOST: HostFull = {
  id: 1, public_id: "x", uuid: "u", name: "alpha", group: "web", tags: ["eu", "ssd"], note: "n", public_note: "", display_index: 3,
  hidden_for_guest: true, class: "machine", parent_id: null, registered_at_s: 0, presence: "online", last_seen_s: 1, agent_version: "",
  mackerel: { status: "working", memo: "", roles: ["shop:app"] },
};

test("a form that was not touched sends nothing", () => {
  const form = formOf(HOST);
  assert.deepEqual(patchOf(HOST, form), {});
  assert.deepEqual(problems(form), {});
});

test("a form sends what differs and nothing else", () => {
  const form = { ...formOf(HOST), name: " beta ", tags: withTags(HOST.tags, "eu,,nvme "), shown_to_guests: true, roles: "shop:app\nshop : db", display_index: "-4" };
  const patch = patchOf(HOST, form);
  assert.deepEqual(patch, {
    name: "beta", tags: ["eu", "ssd", "nvme"], hidden_for_guest: false, display_index: -4, mackerel: { roles: ["shop:app", "shop:db"] },
  });
  assert.equal(countOf(patch), 5);
});

test("a form is looked at before it is sent", () => {
  const form = { ...formOf(HOST), name: " ", display_index: "1.5", roles: "app" };
  assert.deepEqual(problems(form), { name: "empty", display_index: "number", roles: "role" });
});

test("lists are read as people type them", () => {
  assert.deepEqual(withTags(["x,y"], " a ,b,, a"), ["x,y", "a", "b"]);
  assert.deepEqual(rolesOf("a1: b1, a1:b1\n\nc1:d1"), ["a1:b1", "c1:d1"]);
});

test("only the name confirms", () => {
  assert.ok(confirms(" alpha ", "alpha"));
  for (const typed of ["", "Alpha", "alph"]) assert.ok(!confirms(typed, "alpha"), typed);
  assert.ok(!confirms("", " "));
});
