// Rules: what was typed and what is sent are one thing, mistakes are found where they are, and the words say what the rule does.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";

import { language, register } from "../src/app/i18n.ts";
import {
  bodyOf, copyFor, emptyDraft, fromDraft, kindOf, placeOf, readNumber, reaches, shortestUnit, span, toDraft, withMetric,
  type Draft, type Rule, type RuleBody,
} from "../src/pages/rules/rule.ts";
import { conditionShort, sentence, spanWords } from "../src/pages/rules/words.ts";

const read = (name: string) => JSON.parse(fs.readFileSync(new URL(`../src/messages/${name}.json`, import.meta.url), "utf8"));
register("rules", { en: read("en/rules"), zh: read("zh/rules") });

const say = (mistake: string): string => mistake;
const names = (id: number): string => `host-${id}`;

const FULL: RuleBody = {
  name: "busy",
  enabled: false,
  group: "ops",
  hosts: [1, 2],
  tags: ["eu"],
  conditions: [
    { metric: "cpu_percent", above: 90, above_clear: 80, below: 1, for_s: 60 },
    { metric: "net_in_bytes_per_s", above: 125_000_000, for_s: 90 },
    { metric: "offline", for_s: 30 },
    { metric: "transfer_all_bytes", above: 1e12, for_s: 0, cycle: { start: "2026-01-31T00:00:00-05:30", unit: "month", every: 2 } },
  ],
  repeat: "every",
  repeat_s: 600,
  escalate: [{ after_s: 900, group: "boss" }],
  ignore_quiet_hours: true,
};

function sent(draft: Draft): RuleBody {
  const read = fromDraft(draft, say);
  assert.ok("body" in read, JSON.stringify(read));
  return read.body;
}

test("a rule that is opened and saved is the same rule", () => {
  assert.deepEqual(sent(toDraft(FULL)), FULL);
  const least: RuleBody = { name: "r", enabled: true, group: "", tags: [], conditions: [{ metric: "offline", for_s: 0 }], repeat: "never", escalate: [], ignore_quiet_hours: false };
  assert.deepEqual(sent(toDraft(least)), least);
  const except = { ...least, except_hosts: [4] };
  assert.deepEqual(sent(toDraft(except)), except);
});

test("every value that a rule can hold survives being typed", () => {
  for (const value of [0, 0.1, 1, 12.5, 999, 1e3, 123_456_789, 2 ** 30, 2 ** 40 * 1.5, 1e12, 900e9, 7e15]) {
    for (const metric of ["cpu_percent", "net_all_bytes_per_s", "transfer_in_bytes", "load1", "processes", "temperature_max_celsius"]) {
      const rule = { ...FULL, conditions: [{ metric, above: value, for_s: 3_661 }] };
      assert.deepEqual(sent(toDraft(rule)).conditions, rule.conditions, `${metric} ${value}`);
    }
  }
});

test("values are typed in the unit in which they are short", () => {
  assert.equal(shortestUnit("bytes", [900e9]), "GB");
  assert.equal(shortestUnit("bytes", [2 ** 40]), "TiB");
  assert.equal(shortestUnit("bytes", [1e12, 500e9]), "TB");
  assert.equal(shortestUnit("speed", [12_500_000]), "Mbit/s");
  assert.equal(shortestUnit("speed", []), "MB/s");
  assert.deepEqual([span(300), span(90), span(7_200), span(0)], [
    { text: "5", unit: "min" }, { text: "90", unit: "s" }, { text: "2", unit: "h" }, { text: "0", unit: "s" },
  ]);
  assert.deepEqual(["1,5", " 2 ", "", "x", "1e3", "-0.5", ".5"].map(readNumber), [1.5, 2, undefined, undefined, undefined, -0.5, 0.5]);
});

test("mistakes are found at their field, all of them at once", () => {
  const draft = toDraft(FULL);
  draft.name = "  ";
  draft.reach = "only";
  draft.hosts = [];
  draft.every = { text: "4", unit: "min" };
  const [cpu, speed, , transfer] = draft.conditions;
  assert.ok(cpu && speed && transfer);
  cpu.aboveClear = "95";
  speed.above = "fast";
  transfer.every = "0";
  transfer.offset = "CET";
  const read = fromDraft(draft, say);
  assert.ok("errors" in read);
  assert.deepEqual(read.errors, {
    name: "needed",
    hosts: "hosts_needed",
    repeat_s: "every_five_minutes",
    [`conditions.${cpu.key}.aboveClear`]: "clear_beyond",
    [`conditions.${speed.key}.above`]: "number",
    [`conditions.${transfer.key}.every`]: "whole",
    [`conditions.${transfer.key}.offset`]: "time",
  });
  cpu.side = "outside";
  cpu.above = "5";
  cpu.aboveClear = "";
  cpu.below = "9";
  const crossed = fromDraft(draft, say);
  assert.ok("errors" in crossed && crossed.errors[`conditions.${cpu.key}.below`] === "crossed");
});

test("the server's refusal of a field is shown at that field", () => {
  const draft = emptyDraft("limit");
  const key = draft.conditions[0]?.key;
  assert.equal(placeOf("above_clear", draft), `conditions.${key}.aboveClear`);
  assert.equal(placeOf("metric", draft), `conditions.${key}.metric`);
  assert.equal(placeOf("tags", draft), "groups");
  assert.equal(placeOf("except_hosts", draft), "hosts");
  assert.equal(placeOf("name", draft), "name");
  assert.equal(placeOf(undefined, draft), undefined);
  const several = toDraft(FULL);
  assert.equal(placeOf("metric", several), "conditions", "which of them is not known");
  assert.equal(placeOf("start", several), `conditions.${several.conditions[3]?.key}.start`);
});

test("another metric of another measure begins with no number", () => {
  const condition = emptyDraft("limit").conditions[0];
  assert.ok(condition);
  assert.deepEqual([withMetric(condition, "mem_percent").above, withMetric(condition, "mem_percent").unit], ["90", "%"]);
  assert.deepEqual([withMetric(condition, "net_in_bytes_per_s").above, withMetric(condition, "net_in_bytes_per_s").unit], ["", "MB/s"]);
});

test("a copy for others keeps what is asked and who is told", () => {
  const copy = copyFor(FULL, "other", { reach: "except", hosts: [9], groups: ["us"] });
  const { hosts: _named, ...rest } = FULL;
  assert.deepEqual(copy, { ...rest, name: "other", except_hosts: [9], tags: ["us"] });
  const told: Rule & { warnings: string[] } = { ...FULL, id: 3, warnings: ["w"] };
  assert.deepEqual(bodyOf(told), FULL);
});

test("which hosts a rule looks at", () => {
  assert.equal(reaches(FULL, { id: 1, tag: "eu" }), true);
  assert.equal(reaches(FULL, { id: 1, tag: "us" }), false);
  assert.equal(reaches(FULL, { id: 3, tag: "eu" }), false);
  assert.equal(reaches({ ...FULL, hosts: undefined, except_hosts: [3], tags: [] }, { id: 3 }), false);
  assert.equal(reaches({ ...FULL, hosts: undefined, tags: [] }, { id: 3 }), true);
  assert.deepEqual([kindOf(FULL), kindOf({ ...FULL, conditions: [{ metric: "offline" }] })], ["several", "silent"]);
});

test("a rule is said in words", () => {
  language.value = "en";
  const busy: RuleBody = {
    ...FULL, enabled: true, group: "", hosts: undefined, tags: [], repeat: "doubling", repeat_s: undefined, escalate: [{ after_s: 900, group: "boss" }],
    conditions: [{ metric: "cpu_percent", above: 90, above_clear: 80, for_s: 300 }], ignore_quiet_hours: false,
  };
  assert.equal(
    sentence(busy, names),
    "Watches all hosts. When CPU of one of them stays above 90 % for 5 minutes (over only when back at 80 % or less), the notification group “default” is told, "
      + "and told again when it is over. While it goes on they are reminded after 15 minutes, then after twice as long each time, up to once a day. "
      + "If nobody acknowledges it within 15 minutes, the group “boss” is told too. Quiet hours hold it back.",
  );
  assert.deepEqual(FULL.conditions.map(conditionShort), [
    "CPU > 90 % or < 1 %, for 1 minute",
    "incoming speed > 125 MB/s, for 1 minute 30 seconds",
    "silent or never reported, for 30 seconds",
    "transferred bytes > 1 TB, 2 months",
  ]);
  const words = sentence({ ...FULL, hosts: [1, 2, 3, 4, 5] }, names);
  assert.match(words, /host-1, host-2, host-3 and 2 others, as far as they are hosts of the group eu/);
  assert.match(words, /told in quiet hours too.*off for now/);
  assert.equal(spanWords(90_061), "1 day 1 hour 1 minute 1 second");
  assert.equal(spanWords(0), "0 seconds");
});

test("no words are missing in either language", () => {
  for (const tongue of ["en", "zh"] as const) {
    language.value = tongue;
    const words = [sentence(FULL, names), sentence({ ...FULL, hosts: undefined, except_hosts: [1] }, names), ...FULL.conditions.map(conditionShort)];
    for (const text of words) assert.doesNotMatch(text, /rules\.|undefined|\{\w+\}/, text);
  }
  language.value = "en";
  for (const section of ["rules", "alerts", "probes", "proxmox"]) {
    const [en, zh] = [read(`en/${section}`), read(`zh/${section}`)] as Record<string, string>[];
    const bare = (messages: Record<string, string>) => [...new Set(Object.keys(messages).map((key) => key.replace(/\.(one|other)$/, "")))].sort();
    assert.deepEqual(bare(zh ?? {}), bare(en ?? {}), section);
    for (const [key, text] of Object.entries(en ?? {})) {
      const other = (zh ?? {})[key];
      const holes = (of: string) => [...new Set(of.match(/\{\w+\}/g) ?? [])].sort();
      if (other !== undefined) assert.deepEqual(holes(other).filter((hole) => hole !== "{count}"), holes(text).filter((hole) => hole !== "{count}"), `${section}.${key}`);
    }
  }
});
