// The settings pages' logic: forms, budget, audit.

import assert from "node:assert/strict";
import test from "node:test";

import { actionOf, actorOf, byDay, weightOf } from "../src/pages/settings/audit.ts";
import { barOf, dayOver, isPaced, moodOf, moodOfAll, percentText, ringState, spanOf, tightest } from "../src/pages/settings/budget.ts";
import { changedConfig, initialValues, isKept, newConfig, problems, receiverOf } from "../src/pages/settings/channel-form.ts";
import * as tokens from "../src/pages/settings/token-form.ts";
import type { Channel, ChannelKind, ChannelSetting, Meter, Ring, Token, Usage } from "../src/pages/settings/wire.ts";

const setting = (name: string, more: Partial<ChannelSetting> = {}): ChannelSetting =>
  ({ name, about: "", required: false, secret: false, default: "", input: "line", ...more });

const TELEGRAM: ChannelKind = {
  kind: "telegram",
  settings: [
    setting("token", { required: true, secret: true }),
    setting("chat_id", { required: true }),
    setting("topic_id", { input: "number", least: 1 }),
    setting("silent", { input: "choice", choices: ["true", "false"] }),
    setting("headers", { input: "json", secret: true }),
  ],
};

const CHANNEL: Channel = {
  id: 1, name: "ops", kind: "telegram", group: "default", created_at_s: 0,
  config: { token: "********", chat_id: "-100", headers: "********" },
  waiting: 0, given_up: 0, last_error: null, paused_until_s: null,
};

test("a secret that is kept is not in the form and stays unless it is typed anew", () => {
  const values = initialValues(TELEGRAM, CHANNEL);
  assert.deepEqual(values, { chat_id: "-100" });
  assert.ok(isKept(TELEGRAM.settings[0]!, CHANNEL));
  assert.deepEqual(changedConfig(TELEGRAM, CHANNEL, values), {});
  assert.deepEqual(changedConfig(TELEGRAM, CHANNEL, { ...values, token: " new " }), { token: "new" });
  assert.deepEqual(problems(TELEGRAM, values, CHANNEL), {});
});

test("what is emptied is taken away, and a secret only when somebody says so", () => {
  const values = { chat_id: "", topic_id: "7" };
  assert.deepEqual(changedConfig(TELEGRAM, CHANNEL, values), { chat_id: null, topic_id: "7" });
  assert.deepEqual(changedConfig(TELEGRAM, CHANNEL, { chat_id: "-100" }, new Set(["headers"])), { headers: null });
});

test("a new channel needs what its kind needs", () => {
  assert.deepEqual(problems(TELEGRAM, {}), { token: "required", chat_id: "required" });
  assert.deepEqual(newConfig(TELEGRAM, { token: "t ", chat_id: "1", silent: "" }), { token: "t", chat_id: "1" });
});

test("numbers and objects are looked at before they are sent", () => {
  const wrong = { token: "t", chat_id: "1", topic_id: "x", headers: "[1]" };
  assert.deepEqual(problems(TELEGRAM, wrong), { topic_id: "number", headers: "json" });
  assert.deepEqual(problems(TELEGRAM, { ...wrong, topic_id: "0", headers: '{"a":1}' }), { topic_id: "bounds", headers: "json" });
  assert.deepEqual(problems(TELEGRAM, { ...wrong, topic_id: "1", headers: '{"a":"1"}' }), {});
});

test("a channel's receiver is said by what is no secret of it", () => {
  assert.equal(receiverOf(CHANNEL), "-100");
  assert.equal(receiverOf({ ...CHANNEL, config: { url: "********" } }), "");
  assert.equal(receiverOf({ ...CHANNEL, config: null }), "");
});

test("a token's form sends what its kind takes and nothing else", () => {
  const form: tokens.TokenForm = { ...tokens.EMPTY_FORM, note: " ci ", expiry: "3600", uses: "5", ranges: "10.0.0.0/8, 2001:db8::/32\n" };
  const read = tokens.request(form);
  assert.deepEqual(read, { kind: "api", note: "ci", scopes: ["read"], expires_in_s: 3600, address_ranges: ["10.0.0.0/8", "2001:db8::/32"] });
  const agent = tokens.request({ ...form, kind: "agent" });
  assert.equal(agent.scopes, undefined);
  assert.equal(agent.uses, 5);
});

test("a token's form is looked at before it is sent", () => {
  const of = (more: Partial<tokens.TokenForm>): object => tokens.problems({ ...tokens.EMPTY_FORM, ...more });
  assert.deepEqual(of({}), {});
  assert.deepEqual(of({ scopes: [] }), { scopes: "none" });
  assert.deepEqual(of({ kind: "agent", scopes: [] }), {});
  for (const uses of ["0", "-1", "x", "1.5", "4294967296"]) assert.deepEqual(of({ uses }), { uses: "number" }, uses);
  assert.deepEqual(of({ ranges: "10.0.0.0/33" }), { ranges: "range" });
  assert.deepEqual(of({ ranges: "10.0.0.1 ".repeat(33) }), { ranges: "many" });
  assert.deepEqual(of({ note: "x".repeat(201) }), { note: "long" });
});

test("ranges are addresses with or without a prefix", () => {
  for (const good of ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1", "::ffff:10.0.0.1", "2001:db8:0:0:0:0:0:1/128"]) {
    assert.ok(tokens.isRange(good), good);
  }
  for (const bad of ["10.0.0", "10.0.0.256", "example.com", "10.0.0.0/", "::/129", "1:2:3", "1::2::3", ""]) {
    assert.ok(!tokens.isRange(bad), bad);
  }
});

test("a token is good until its time or its uses are over", () => {
  const token: Token = {
    id: 1, tail: "abcd", kind: "agent", scopes: [], note: "", created_at_s: 0, expires_at_s: null, uses_left: null, address_ranges: [], last_use_s: null,
  };
  assert.equal(tokens.standingOf(token, 10), "good");
  assert.equal(tokens.standingOf({ ...token, expires_at_s: 10 }, 10), "expired");
  assert.equal(tokens.standingOf({ ...token, uses_left: 0 }, 10), "used_up");
  assert.equal(tokens.standingOf({ ...token, kind: "api", uses_left: 0 }, 10), "good", "it still reads");
});

const meter = (more: Partial<Meter>): Meter => ({
  meter: "d1_rows_written", unit: "rows", used: 10, allowance: 100, share: 0.1, share_at_day_end: 0.3, is_wall: true, refused: false, sentence: "", ...more,
});

const USAGE: Usage = {
  now_s: 43_200, day_ends_s: 86_400, plan: "free", account_percent: 100, messages_per_request: 20, meters: [meter({})],
  levers: { frame_s: 60, post_frame_s: 60, write_s: 60, newest_s: 300, live_hosts: 50, changed_at_s: 0 },
  hold_until_s: null, banner: null, rings: [],
};

test("a wall ahead is bad, a bill ahead is a warning", () => {
  assert.equal(moodOf(meter({})), "ok");
  assert.equal(moodOf(meter({ share_at_day_end: 0.9 })), "warn");
  assert.equal(moodOf(meter({ share_at_day_end: 1.2 })), "bad");
  assert.equal(moodOf(meter({ share_at_day_end: 1.2, is_wall: false })), "warn");
  assert.equal(moodOf(meter({ share_at_day_end: 0.9, is_wall: false })), "ok");
  assert.equal(moodOf(meter({ refused: true })), "bad");
  assert.equal(moodOf(meter({ share: null, share_at_day_end: null, allowance: null })), "ok");
});

test("the tightest meter is the one that ends highest, and nothing is tight where nothing is metered", () => {
  const tight = meter({ meter: "object_requests", share_at_day_end: 0.6 });
  assert.equal(tightest([meter({}), tight, meter({ share_at_day_end: 0.5 })]), tight);
  assert.equal(tightest([meter({ allowance: null, share: null, share_at_day_end: null })]), undefined);
});

test("the page's mood is the worst of all, pacing included", () => {
  assert.equal(moodOfAll(USAGE), "ok");
  const paced = { ...USAGE, levers: { ...USAGE.levers, frame_s: 120 } };
  assert.ok(isPaced(paced.levers));
  assert.equal(moodOfAll(paced), "warn");
  assert.equal(moodOfAll({ ...USAGE, hold_until_s: 86_400 }), "bad");
  assert.equal(dayOver(USAGE), 0.5);
});

test("shares are whole percent, and little is not nothing", () => {
  assert.deepEqual([0, 0.004, 0.344, 1.5, null].map(percentText), ["0 %", "< 1 %", "34 %", "150 %", "–"]);
});

test("a bar is never longer than its line, and what is held has no end of the day", () => {
  assert.deepEqual(barOf(meter({ share: 0.2, share_at_day_end: 1.7 })), { used: 20, end: 100 });
  assert.deepEqual(barOf(meter({ unit: "bytes", share: 1.4, share_at_day_end: 1.4 })), { used: 100, end: null });
});

test("a tier of history says how it stands and how long it is", () => {
  const ring: Ring = { tier: "samples", blocks: 10, kept_hours: 24, wanted_blocks: 10, fitting_blocks: 20, block_bytes: null, changing: false };
  assert.equal(ringState(ring), "whole");
  assert.equal(ringState({ ...ring, blocks: 9 }), "cut");
  assert.equal(ringState({ ...ring, blocks: 9, changing: true }), "changing");
  assert.deepEqual(spanOf(24), { count: 24, unit: "hours" });
  assert.deepEqual(spanOf(192), { count: 8, unit: "days" });
  assert.deepEqual(spanOf(1826 * 24), { count: 5, unit: "years" });
});

test("the audit list is read: actors, actions and days", () => {
  assert.deepEqual(actorOf("user:12"), { kind: "user", id: 12 });
  assert.deepEqual(actorOf("setup"), { kind: "setup", id: null });
  assert.deepEqual(actionOf("push_agent.accept"), { thing: "push_agent", verb: "accept" });
  assert.deepEqual(["user.create", "token.revoke", "host.edit", "host.retire"].map(weightOf), ["made", "gone", "changed", "gone"]);
  const days = byDay([{ at_s: 90_000 }, { at_s: 86_400 }, { at_s: 5 }], (at) => String(Math.floor(at / 86_400)));
  assert.deepEqual(days.map((day) => [day.day, day.entries.length]), [["1", 2], ["0", 1]]);
});
