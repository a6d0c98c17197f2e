// A rule as the server has it, and as the form has it: texts in the units that people chose. Pure, so that it is tested without a page.

export interface Cycle {
  start: string;
  unit: CycleUnit;
  every?: number;
}
export type CycleUnit = "hour" | "day" | "week" | "month" | "year";

export interface Condition {
  metric: string;
  above?: number;
  above_clear?: number;
  below?: number;
  below_clear?: number;
  for_s?: number;
  cycle?: Cycle;
}

export interface Escalation {
  after_s: number;
  group: string;
}

export type Repeat = "never" | "doubling" | "every";

/** The body of a rule, as it is sent. */
export interface RuleBody {
  name: string;
  enabled: boolean;
  group: string;
  hosts?: number[];
  except_hosts?: number[];
  tags?: string[];
  conditions: Condition[];
  repeat: Repeat;
  repeat_s?: number;
  escalate?: Escalation[];
  ignore_quiet_hours: boolean;
}

export interface Rule extends RuleBody {
  id: number;
}

export type Measure = "percent" | "speed" | "bytes" | "load" | "count" | "celsius";

/** What limits can be set on, and in what it is measured. The order is that of the form. */
export const METRICS: ReadonlyMap<string, Measure> = new Map<string, Measure>([
  ["cpu_percent", "percent"],
  ["mem_percent", "percent"],
  ["swap_percent", "percent"],
  ["disk_percent", "percent"],
  ["gpu_percent", "percent"],
  ["load1", "load"],
  ["load5", "load"],
  ["load15", "load"],
  ["temperature_max_celsius", "celsius"],
  ["net_in_bytes_per_s", "speed"],
  ["net_out_bytes_per_s", "speed"],
  ["net_all_bytes_per_s", "speed"],
  ["transfer_in_bytes", "bytes"],
  ["transfer_out_bytes", "bytes"],
  ["transfer_all_bytes", "bytes"],
  ["tcp_connections", "count"],
  ["udp_connections", "count"],
  ["processes", "count"],
]);

export const TRANSFERS = ["transfer_all_bytes", "transfer_in_bytes", "transfer_out_bytes"] as const;

/** Units that values are typed in, by what they are worth. */
export const UNITS: Record<Measure, ReadonlyMap<string, number>> = {
  percent: new Map([["%", 1]]),
  load: new Map([["", 1]]),
  count: new Map([["", 1]]),
  celsius: new Map([["°C", 1]]),
  speed: new Map([
    ["kB/s", 1e3],
    ["MB/s", 1e6],
    ["MiB/s", 2 ** 20],
    ["Mbit/s", 125_000],
    ["GB/s", 1e9],
    ["B/s", 1],
  ]),
  bytes: new Map([
    ["MB", 1e6],
    ["GB", 1e9],
    ["GiB", 2 ** 30],
    ["TB", 1e12],
    ["TiB", 2 ** 40],
    ["B", 1],
  ]),
};

const USUAL_UNIT: Partial<Record<Measure, string>> = { speed: "MB/s", bytes: "GB" };

export const TIMES: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["min", 60],
  ["h", 3_600],
  ["d", 86_400],
]);

export type Kind = "limit" | "silent" | "transfer";
export type Side = "above" | "below" | "outside";

/** A length of time as it is typed. */
export interface Span {
  text: string;
  unit: string;
}

/** A condition as it is typed. */
export interface DraftCondition {
  /** Tells it from the others while the list changes. */
  key: number;
  kind: Kind;
  metric: string;
  side: Side;
  above: string;
  aboveClear: string;
  below: string;
  belowClear: string;
  unit: string;
  lasts: Span;
  /** `2026-01-31T00:00`, by the calendar of `offset`. */
  start: string;
  /** `+01:00` or `Z`. */
  offset: string;
  cycle: CycleUnit;
  every: string;
}

export type Reach = "all" | "except" | "only";

/** A rule as it is typed. */
export interface Draft {
  name: string;
  enabled: boolean;
  group: string;
  reach: Reach;
  hosts: number[];
  groups: string[];
  conditions: DraftCondition[];
  repeat: Repeat;
  every: Span;
  escalations: { key: number; after: Span; group: string }[];
  ignoresQuietHours: boolean;
}

/** What is wrong, by the field's place: `name`, `conditions.7.above` with the condition's key, `escalate.3.after`. */
export type Errors = Record<string, string>;

let lastKey = 0;
export const freshKey = (): number => (lastKey += 1);

/** What a new rule of a kind begins with. */
export function emptyDraft(kind: Kind, now: Date = new Date()): Draft {
  return {
    name: "",
    enabled: true,
    group: "",
    reach: "all",
    hosts: [],
    groups: [],
    conditions: [emptyCondition(kind, now)],
    repeat: "never",
    every: { text: "30", unit: "min" },
    escalations: [],
    ignoresQuietHours: false,
  };
}

export function emptyCondition(kind: Kind, now: Date = new Date()): DraftCondition {
  const month = `${now.getFullYear()}-${two(now.getMonth() + 1)}-01T00:00`;
  return {
    key: freshKey(),
    kind,
    metric: kind === "transfer" ? "transfer_all_bytes" : "cpu_percent",
    side: "above",
    above: kind === "limit" ? "90" : kind === "transfer" ? "900" : "",
    aboveClear: kind === "limit" ? "80" : "",
    below: "",
    belowClear: "",
    unit: kind === "transfer" ? "GB" : "%",
    lasts: kind === "limit" ? { text: "5", unit: "min" } : kind === "silent" ? { text: "1", unit: "min" } : { text: "0", unit: "s" },
    start: month,
    offset: offsetOf(-now.getTimezoneOffset()),
    cycle: "month",
    every: "1",
  };
}

/** The same condition about something else: a unit that it is measured in, and no number of another kind. */
export function withMetric(condition: DraftCondition, metric: string): DraftCondition {
  const measure = METRICS.get(metric) ?? "count";
  if (METRICS.get(condition.metric) === measure) return { ...condition, metric };
  return { ...condition, metric, unit: usualUnit(measure), above: "", aboveClear: "", below: "", belowClear: "" };
}

export function usualUnit(measure: Measure): string {
  return USUAL_UNIT[measure] ?? [...UNITS[measure].keys()][0] ?? "";
}

/** How a rule is typed: the largest units in which its numbers are short. */
export function toDraft(rule: RuleBody): Draft {
  const [reach, hosts]: [Reach, number[]] =
    rule.hosts !== undefined ? ["only", rule.hosts] : rule.except_hosts?.length ? ["except", rule.except_hosts] : ["all", []];
  return {
    name: rule.name,
    enabled: rule.enabled,
    group: rule.group,
    reach,
    hosts: [...hosts],
    groups: [...(rule.tags ?? [])],
    conditions: rule.conditions.map(draftCondition),
    repeat: rule.repeat,
    every: span(rule.repeat_s ?? 1_800),
    escalations: (rule.escalate ?? []).map((one) => ({ key: freshKey(), after: span(one.after_s), group: one.group })),
    ignoresQuietHours: rule.ignore_quiet_hours,
  };
}

function draftCondition(condition: Condition): DraftCondition {
  const empty = emptyCondition(condition.metric === "offline" ? "silent" : condition.cycle ? "transfer" : "limit");
  const lasts = span(condition.for_s ?? 0);
  if (condition.metric === "offline") return { ...empty, lasts };
  const values = [condition.above, condition.above_clear, condition.below, condition.below_clear];
  const measure = METRICS.get(condition.metric) ?? "count";
  const unit = shortestUnit(measure, values.filter((value) => value !== undefined));
  const text = (value: number | undefined) => (value === undefined ? "" : plain(value / (UNITS[measure].get(unit) ?? 1)));
  const side: Side = condition.below === undefined ? "above" : condition.above === undefined ? "below" : "outside";
  const [start, offset] = splitStart(condition.cycle?.start ?? `${empty.start}${empty.offset}`);
  return {
    ...empty,
    metric: condition.metric,
    side,
    above: text(condition.above),
    aboveClear: text(condition.above_clear),
    below: text(condition.below),
    belowClear: text(condition.below_clear),
    unit,
    lasts,
    start,
    offset,
    cycle: condition.cycle?.unit ?? "month",
    every: String(condition.cycle?.every ?? 1),
  };
}

/** The rule that was typed, or what is wrong with it. `say` gives the words for a mistake. */
export function fromDraft(draft: Draft, say: (mistake: Mistake) => string): { body: RuleBody } | { errors: Errors } {
  const errors: Errors = {};
  const wrong = (place: string, mistake: Mistake) => {
    errors[place] ??= say(mistake);
  };
  const name = draft.name.trim();
  if (name === "") wrong("name", "needed");
  const conditions = draft.conditions.map((one) => readCondition(one, wrong));
  if (draft.reach === "only" && draft.hosts.length === 0) wrong("hosts", "hosts_needed");
  const body: RuleBody = {
    name,
    enabled: draft.enabled,
    group: draft.group.trim(),
    tags: draft.groups,
    conditions,
    repeat: draft.repeat,
    escalate: draft.escalations
      .map((one) => ({ after_s: readSpan(one.after, `escalate.${one.key}.after`, wrong), group: one.group.trim() }))
      .sort((one, other) => one.after_s - other.after_s),
    ignore_quiet_hours: draft.ignoresQuietHours,
  };
  if (draft.reach === "only") body.hosts = [...draft.hosts];
  if (draft.reach === "except") body.except_hosts = [...draft.hosts];
  if (draft.repeat === "every") {
    body.repeat_s = readSpan(draft.every, "repeat_s", wrong);
    if (body.repeat_s < 300) wrong("repeat_s", "every_five_minutes");
  }
  return Object.keys(errors).length > 0 ? { errors } : { body };
}

/** What can be wrong with what was typed. */
export type Mistake = "needed" | "number" | "hosts_needed" | "every_five_minutes" | "clear_beyond" | "whole" | "time" | "crossed";

function readCondition(one: DraftCondition, wrong: (place: string, mistake: Mistake) => void): Condition {
  const place = (field: string) => `conditions.${one.key}.${field}`;
  const lasts = readSpan(one.lasts, place("lasts"), wrong);
  if (one.kind === "silent") return { metric: "offline", for_s: lasts };
  const worth = UNITS[METRICS.get(one.metric) ?? "count"].get(one.unit) ?? 1;
  const value = (field: "above" | "aboveClear" | "below" | "belowClear", isNeeded: boolean): number | undefined => {
    const text = one[field].trim();
    if (text === "" && !isNeeded) return undefined;
    const read = readNumber(text);
    if (read === undefined) wrong(place(field), text === "" ? "needed" : "number");
    return read === undefined ? undefined : tidy(read * worth);
  };
  const condition: Condition = { metric: one.metric, for_s: lasts };
  if (one.side !== "below") {
    condition.above = value("above", true);
    condition.above_clear = value("aboveClear", false);
    if (isBeyond(condition.above_clear, condition.above)) wrong(place("aboveClear"), "clear_beyond");
  }
  if (one.side !== "above") {
    condition.below = value("below", true);
    condition.below_clear = value("belowClear", false);
    if (isBeyond(condition.below, condition.below_clear)) wrong(place("belowClear"), "clear_beyond");
  }
  if (one.side === "outside" && isBeyond(condition.below, condition.above)) wrong(place("below"), "crossed");
  if (one.kind === "transfer") {
    const every = readNumber(one.every);
    if (every === undefined || !Number.isInteger(every) || every < 1) wrong(place("every"), "whole");
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(one.start)) wrong(place("start"), "time");
    if (!/^([+-]\d\d:\d\d|Z)$/.test(one.offset)) wrong(place("offset"), "time");
    const seconds = one.start.length === 16 ? ":00" : "";
    condition.cycle = { start: `${one.start}${seconds}${one.offset}`, unit: one.cycle, every: every ?? 1 };
  }
  for (const key of ["above", "above_clear", "below", "below_clear"] as const) {
    if (condition[key] === undefined) delete condition[key];
  }
  return condition;
}

const isBeyond = (one: number | undefined, other: number | undefined): boolean => one !== undefined && other !== undefined && one > other;

/** Where the server's refusal of a field belongs in the form. */
export function placeOf(field: string | undefined, draft: Draft): string | undefined {
  switch (field) {
    case undefined:
      return undefined;
    case "except_hosts":
      return "hosts";
    case "tags":
      return "groups";
    case "metric":
    case "above_clear":
    case "below_clear":
    case "cycle":
    case "start":
    case "unit": {
      // The server names the key, not which condition; where there is one only, it is that one.
      const names: Record<string, string> = { above_clear: "aboveClear", below_clear: "belowClear", cycle: "every", unit: "every" };
      const name = names[field] ?? field;
      const fits = draft.conditions.filter((one) => (field === "metric" ? one.kind !== "silent" : one.kind === "transfer" || field.endsWith("_clear")));
      return fits.length === 1 && fits[0] ? `conditions.${fits[0].key}.${name}` : "conditions";
    }
    default:
      return field;
  }
}

/** A copy for others: under another name, and with the same conditions. */
export function copyFor(rule: RuleBody, name: string, scope: { reach: Reach; hosts: number[]; groups: string[] }): RuleBody {
  const { hosts: _hosts, except_hosts: _except, tags: _tags, ...rest } = rule;
  const copy: RuleBody = { ...rest, name, tags: [...scope.groups] };
  if (scope.reach === "only") copy.hosts = [...scope.hosts];
  if (scope.reach === "except") copy.except_hosts = [...scope.hosts];
  return copy;
}

/** The body of a rule that the server told, without what it only tells. */
export function bodyOf(rule: Rule & { warnings?: string[] }): RuleBody {
  const { id: _id, warnings: _warnings, ...body } = rule;
  return body;
}

/** Which kind of rule it is, for its badge. */
export function kindOf(rule: RuleBody): Kind | "several" {
  if (rule.conditions.length > 1) return "several";
  const only = rule.conditions[0];
  return only?.metric === "offline" ? "silent" : only?.cycle ? "transfer" : "limit";
}

/** How many of these hosts a rule looks at. */
export function reaches(rule: RuleBody, host: { id: number; tag?: string }): boolean {
  const byNumber = rule.hosts !== undefined ? rule.hosts.includes(host.id) : !(rule.except_hosts ?? []).includes(host.id);
  return byNumber && (!rule.tags?.length || rule.tags.includes(host.tag ?? ""));
}

function readSpan(one: Span, place: string, wrong: (place: string, mistake: Mistake) => void): number {
  const read = readNumber(one.text);
  if (read === undefined || read < 0) {
    wrong(place, one.text.trim() === "" ? "needed" : "number");
    return 0;
  }
  return Math.round(read * (TIMES.get(one.unit) ?? 1));
}

/** A typed number; a comma is a point. Undefined for none. */
export function readNumber(text: string): number | undefined {
  const trimmed = text.trim().replace(",", ".");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(trimmed)) return undefined;
  const read = Number(trimmed);
  return Number.isFinite(read) ? read : undefined;
}

/** Seconds in the largest unit in which they are whole. */
export function span(seconds: number): Span {
  const units = [...TIMES].reverse();
  const fit = seconds > 0 ? units.find(([, worth]) => seconds % worth === 0) : undefined;
  return fit ? { text: plain(seconds / fit[1]), unit: fit[0] } : { text: String(seconds), unit: "s" };
}

/** The unit in which all of these have the fewest digits. */
export function shortestUnit(measure: Measure, values: number[]): string {
  let best = usualUnit(measure);
  if (values.length === 0) return best;
  const digits = (unit: string) => values.reduce((sum, value) => sum + plain(value / (UNITS[measure].get(unit) ?? 1)).length, 0);
  for (const unit of UNITS[measure].keys()) {
    // The usual one wins where nothing is shorter by it.
    if (digits(unit) < digits(best)) best = unit;
  }
  return best;
}

/** A number as it is typed: no exponent, no more digits than it has. */
export function plain(value: number): string {
  const text = tidy(value).toString();
  if (!text.includes("e")) return text;
  return Math.abs(value) >= 1 ? value.toFixed(0) : value.toFixed(20).replace(/\.?0+$/, "");
}

// 0.1 GB is 100000000 bytes and not 100000000.00000001.
const tidy = (value: number): number => Number(value.toPrecision(15));

function splitStart(start: string): [string, string] {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d))?(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(start);
  if (!parts) return [start, "Z"];
  const seconds = parts[2] && parts[2] !== "00" ? `:${parts[2]}` : "";
  return [`${parts[1]}${seconds}`, parts[3] ?? "Z"];
}

/** Minutes ahead of UTC as an offset. */
export function offsetOf(minutes: number): string {
  const ahead = Math.abs(minutes);
  return minutes === 0 ? "Z" : `${minutes < 0 ? "-" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
}

const two = (value: number): string => String(value).padStart(2, "0");
