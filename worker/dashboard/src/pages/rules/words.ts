// A rule in plain words: a sentence for people who decide whether this is what they meant.

import { bytes, bytesPerS, number } from "../../app/format.ts";
import { language, t } from "../../app/i18n.ts";
import { METRICS, type Condition, type Cycle, type RuleBody } from "./rule.ts";

export type Names = (id: number) => string;

/** So many are named; of the others there is a count. */
const NAMED = 3;

/** A metric's name for people. */
export function metricName(metric: string): string {
  return metric === "offline" ? t("rules.metric.offline") : METRICS.has(metric) ? t(`rules.metric.${metric}`) : metric;
}

/** A value with its unit. */
export function valueWords(metric: string, value: number): string {
  switch (METRICS.get(metric)) {
    case "percent":
      return `${number(value)} %`;
    case "celsius":
      return `${number(value)} °C`;
    case "speed":
      return decimal(value, "B/s") ?? bytesPerS(value);
    case "bytes":
      return decimal(value, "B") ?? bytes(value);
    default:
      return number(value);
  }
}

/** `900 GB` where that is what was typed; otherwise nothing. */
function decimal(value: number, unit: string): string | undefined {
  for (const [prefix, worth] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    const count = value / worth;
    if (count >= 1 && Math.abs(count * 10 - Math.round(count * 10)) < 1e-9) return `${number(count)} ${prefix}${unit}`;
  }
  return undefined;
}

/** A length of time in full words where it is one unit: `5 minutes`. */
export function spanWords(seconds: number): string {
  const parts: [string, number][] = [];
  let rest = seconds;
  for (const [unit, worth] of [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]] as const) {
    const count = Math.floor(rest / worth);
    rest -= count * worth;
    if (count > 0) parts.push([unit, count]);
  }
  if (parts.length === 0) return t("rules.span.second", { count: 0 });
  return parts.map(([unit, count]) => t(`rules.span.${unit}`, { count })).join(" ");
}

/** A condition for a table's cell: `CPU > 90 %, 5 minutes`. */
export function conditionShort(condition: Condition): string {
  const parts: string[] = [];
  if (condition.metric === "offline") parts.push(t("rules.short.silent"));
  else {
    const name = metricName(condition.metric);
    if (condition.above !== undefined) parts.push(`${name} > ${valueWords(condition.metric, condition.above)}`);
    if (condition.below !== undefined) parts.push(`${parts.length ? "" : `${name} `}< ${valueWords(condition.metric, condition.below)}`);
    if (condition.above === undefined && condition.below === undefined) parts.push(name);
  }
  const text = [parts.join(` ${t("rules.or")} `)];
  if (condition.cycle) text.push(cycleWords(condition.cycle));
  if (condition.for_s) text.push(t("rules.short.for", { time: spanWords(condition.for_s) }));
  return text.join(", ");
}

/** A cycle: `every 2 months`. */
export function cycleWords(cycle: Cycle): string {
  return t(`rules.cycle.${cycle.unit}`, { count: cycle.every ?? 1 });
}

/** A condition as a clause: `its CPU use stays above 90 % for 5 minutes`. */
export function conditionWords(condition: Condition): string {
  const time = condition.for_s ? t("rules.say.for", { time: spanWords(condition.for_s) }) : "";
  if (condition.metric === "offline") return t("rules.say.silent") + time;
  const value = (limit: number) => valueWords(condition.metric, limit);
  const values: Record<string, string> = { metric: metricName(condition.metric) };
  const bounds: string[] = [];
  if (condition.above !== undefined) bounds.push(t("rules.say.above", { value: value(condition.above) }));
  if (condition.below !== undefined) bounds.push(t("rules.say.below", { value: value(condition.below) }));
  const clears: string[] = [];
  if (condition.above_clear !== undefined && condition.above_clear !== condition.above) {
    clears.push(t("rules.say.clear_above", { value: value(condition.above_clear) }));
  }
  if (condition.below_clear !== undefined && condition.below_clear !== condition.below) {
    clears.push(t("rules.say.clear_below", { value: value(condition.below_clear) }));
  }
  values.bounds = bounds.join(` ${t("rules.or")} `);
  const clear = clears.length ? t("rules.say.clear", { bounds: clears.join(` ${t("rules.and")} `) }) : "";
  const said = condition.cycle
    ? t("rules.say.transfer", { ...values, cycle: cycleWords(condition.cycle) })
    : t(condition.for_s ? "rules.say.stays" : "rules.say.is", values);
  return said + time + clear;
}

/** Which hosts: `all hosts but web-1`, `hosts of the group eu`. */
export function scopeWords(rule: RuleBody, name: Names): string {
  const groups = rule.tags?.length ? t("rules.scope.groups", { count: rule.tags.length, groups: list(rule.tags) }) : "";
  if (rule.hosts !== undefined) {
    const named = t("rules.scope.only", { count: rule.hosts.length, hosts: some(rule.hosts, name) });
    return groups ? t("rules.scope.within", { hosts: named, groups }) : named;
  }
  const all = groups || t("rules.scope.all");
  const except = rule.except_hosts ?? [];
  return except.length ? t("rules.scope.except", { all, hosts: some(except, name) }) : all;
}

/** The whole rule as sentences. */
export function sentence(rule: RuleBody, name: Names): string {
  const clauses = rule.conditions.map(conditionWords);
  const conditions = clauses.join(` ${t("rules.say.and_at_once")} `);
  const group = rule.group || t("rules.default_group");
  const parts = [t("rules.say.when", { scope: scopeWords(rule, name), conditions, group })];
  if (rule.repeat === "doubling") parts.push(t("rules.say.doubling"));
  if (rule.repeat === "every") parts.push(t("rules.say.every", { time: spanWords(rule.repeat_s ?? 0) }));
  for (const one of rule.escalate ?? []) {
    parts.push(t("rules.say.escalate", { time: spanWords(one.after_s), group: one.group || t("rules.default_group") }));
  }
  parts.push(t(rule.ignore_quiet_hours ? "rules.say.loud" : "rules.say.quiet"));
  if (!rule.enabled) parts.push(t("rules.say.disabled"));
  return parts.join(language.value === "zh" ? "" : " ");
}

/** Names, the first of them spelled out. */
function some(ids: number[], name: Names): string {
  const named = ids.slice(0, NAMED).map(name);
  const rest = ids.length - named.length;
  return rest > 0 ? t("rules.scope.more", { hosts: list(named), count: rest }) : list(named);
}

function list(words: string[]): string {
  return words.join(language.value === "zh" ? "、" : ", ");
}
