// Proxmox: lists of two products made one, filters, and what is drawn of twenty thousand rows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { backupsOf, filterBackups, filterGuests, inView, isBare, namesOf, pollState, serverAddress, setupCommands, timeOf, type BackupsReply, type Guest, type Instance } from "../src/pages/proxmox/model.ts";

const GUEST = { id: "g", vmid: 101, name: "web", node: "pve1", instance: "lab", status: "running", type: "qemu", lastBackup: "2026-01-01T00:00:00Z", tags: ["prod"] } as Guest;
const STORED = { id: "s", storage: "nas", node: "nas", instance: "lab", type: "qemu", vmid: 101, ctime: 1_000, size: 5, notes: "nightly", protected: true, isPBS: false, verified: false };
const PBS = { id: "p", instance: "backup1", datastore: "main", namespace: "", backupType: "vm", vmid: "101", backupTime: "1970-01-01T00:33:20Z", size: 7, protected: false, verified: true, comment: "" };
const reply = (more: Partial<BackupsReply>): BackupsReply => ({ backupTasks: [], storageBackups: [], guestSnapshots: [], pbsBackups: [], ...more });

test("the year one is never", () => {
  assert.deepEqual([timeOf("0001-01-01T00:00:00Z"), timeOf(""), timeOf("1970-01-01T00:16:40Z")], [null, null, 1_000]);
});

test("backups of both products are one list, newest first, none of them twice", () => {
  const same = { ...STORED, id: "same", storage: "pbs", ctime: 2_000, isPBS: true };
  const found = backupsOf(reply({ storageBackups: [STORED, same], pbsBackups: [PBS, { ...PBS, id: "h", backupType: "host", vmid: "nas-1", namespace: "team/a", backupTime: "1970-01-01T00:00:10Z" }] }), [GUEST]);
  assert.deepEqual(found.map((one) => [one.id, one.type, one.name, one.place, one.where, one.verified]), [
    ["p", "qemu", "web", "main", "backup1", true],
    ["s", "qemu", "web", "nas", "lab", null],
    ["h", "host", "", "main/team/a", "backup1", true],
  ]);
  // Where the Backup Server is not polled itself, what a node shows of it is all there is.
  assert.equal(backupsOf(reply({ storageBackups: [same] }), []).length, 1);
});

test("a number that two guests have names neither", () => {
  const name = namesOf([GUEST, { ...GUEST, instance: "other", name: "db" }]);
  assert.deepEqual([name("lab", "101"), name("other", "101"), name(null, "101"), name("lab", "9")], ["web", "db", "", ""]);
});

test("backups are found by guest, type, place and age; twenty thousand of them at once", () => {
  const many = Array.from({ length: 20_000 }, (_, at) => ({ ...STORED, id: String(at), vmid: 100 + (at % 500), ctime: 10_000_000 - at * 60, storage: at % 4 === 0 ? "local" : "vault", type: at % 10 < 7 ? "qemu" : "lxc" }));
  const all = backupsOf(reply({ storageBackups: many }), []);
  const began = performance.now();
  const count = (filter: object) => filterBackups(all, { text: "", type: "", place: "", age: "any", ...filter }, 10_000_000).length;
  assert.equal(all.length, 20_000);
  assert.deepEqual([count({}), count({ text: "100" }), count({ type: "lxc" }), count({ age: "day" }), count({ place: "lab vault" })], [20_000, 40, 6_000, 1_441, 0]);
  assert.equal(count({ place: "nas vault" }), 15_000);
  assert.ok(performance.now() - began < 1_000, `${performance.now() - began} ms`);
});

test("guests are found by what is known of them", () => {
  const nowS = Date.parse("2026-01-05T00:00:00Z") / 1000;
  const stopped = { ...GUEST, id: "h", name: "db", status: "stopped", lastBackup: "0001-01-01T00:00:00Z", tags: undefined } as Guest;
  const find = (filter: object) => filterGuests([GUEST, stopped], { text: "", status: "", type: "", node: "", isBare: false, ...filter }, nowS).map((one) => one.name);
  assert.deepEqual([find({}), find({ text: "PROD" }), find({ text: "101" }), find({ status: "stopped" }), find({ isBare: true }), find({ type: "lxc" })], [["web", "db"], ["web"], ["web", "db"], ["db"], ["db"], []]);
  assert.ok(isBare(GUEST, nowS + 5 * 86_400) && !isBare(GUEST, nowS));
});

test("how polling fares", () => {
  const state = (more: Partial<Instance>) => pollState({ name: "a", kind: "pve", host: "h", connected: false, locked_out: false, polled_at_ms: null, took_ms: 0, ...more });
  assert.deepEqual([state({ connected: true }), state({}), state({ error: "no route" }), state({ polled_at_ms: 1 }), state({ locked_out: true, connected: true })], ["ok", "waiting", "failing", "failing", "locked_out"]);
});

test("the commands are one shell's words, whatever was typed", () => {
  assert.deepEqual(["pve1", "https://192.0.2.1", "[2001:db8::1]:9", "http://a:1/x", "", "a b", "https://u:p@a"].map((text) => serverAddress(text, "pve")), [
    "https://pve1:8006", "https://192.0.2.1:8006", "https://[2001:db8::1]:9", "http://a:1", null, null, null,
  ]);
  assert.equal(serverAddress("pbs1", "pbs"), "https://pbs1:8007");
  const [script, run] = setupCommands("https://watch.example.com", "pve", "https://192.0.2.10:8006", "PULSE-REG-1'; rm -rf /");
  assert.equal(script, "curl -fsSL 'https://watch.example.com/api/setup-script?type=pve&host=https%3A%2F%2F192.0.2.10%3A8006&pulse_url=https%3A%2F%2Fwatch.example.com' >setup.sh");
  assert.equal(run, "PULSE_REG_TOKEN='PULSE-REG-1'\\''; rm -rf /' bash setup.sh");
});

test("of a long list only what is in view is drawn", () => {
  assert.deepEqual(inView(20_000, 38, -200, 900), { from: 0, to: 31 });
  assert.deepEqual(inView(20_000, 38, 38_000, 900), { from: 988, to: 1_036 });
  assert.deepEqual(inView(5, 38, 10_000, 900), { from: 5, to: 5 });
  assert.deepEqual(inView(0, 38, 0, 900), { from: 0, to: 0 });
});
