// A probe as the server has it and as the form has it; and what thirty days of it amount to. Pure.

export type Kind = "http" | "icmp" | "tcp";
export const KINDS: readonly Kind[] = ["http", "icmp", "tcp"];
export type State = "no_data" | "good" | "low" | "down";

export interface Notify {
  state: boolean;
  delay: boolean;
  min_delay_ms: number;
  max_delay_ms: number;
  certificate_days: number | null;
  group: string;
}

export type Coverage = { all_but: number[] } | { only: number[] };

export interface ProbeBody {
  name: string;
  kind: Kind;
  target: string;
  interval_s: number;
  hosts: Coverage;
  from_edge: boolean;
  public: boolean;
  delays_public: boolean;
  notify: Notify;
}

export interface Probe extends ProbeBody {
  id: number;
  created_at_s: number;
}

export interface Day {
  results: number;
  up_percent: number | null;
}

interface Figures {
  state: State;
  delay_ms: number | null;
  days: Day[];
}

export interface Summary extends Figures {
  id: number;
  name: string;
  kind: Kind;
  target?: string;
  tls_expires_s: number | null;
  notes?: { host: number; text: string }[];
  edge?: Figures & { place: string };
}

export interface SummaryReply {
  /** Days since 1970 in UTC: that of the last element of `days`. */
  today: number;
  probes: Summary[];
}

export interface Draft {
  name: string;
  kind: Kind;
  target: string;
  interval: string;
  reach: "all" | "except" | "only";
  hosts: number[];
  fromEdge: boolean;
  isPublic: boolean;
  delaysPublic: boolean;
  ofState: boolean;
  ofDelay: boolean;
  minDelay: string;
  maxDelay: string;
  certificateDays: string;
  group: string;
}

export function emptyDraft(kind: Kind = "http"): Draft {
  return {
    name: "", kind, target: "", interval: "30", reach: "all", hosts: [], fromEdge: false, isPublic: false, delaysPublic: false,
    ofState: true, ofDelay: false, minDelay: "", maxDelay: "", certificateDays: "7", group: "",
  };
}

export function toDraft(probe: ProbeBody): Draft {
  const named = "only" in probe.hosts ? probe.hosts.only : probe.hosts.all_but;
  const bound = (ms: number) => (ms > 0 ? String(ms) : "");
  return {
    name: probe.name,
    kind: probe.kind,
    target: probe.target,
    interval: String(probe.interval_s),
    reach: "only" in probe.hosts ? "only" : named.length > 0 ? "except" : "all",
    hosts: [...named],
    fromEdge: probe.from_edge,
    isPublic: probe.public,
    delaysPublic: probe.delays_public,
    ofState: probe.notify.state,
    ofDelay: probe.notify.delay,
    minDelay: bound(probe.notify.min_delay_ms),
    maxDelay: bound(probe.notify.max_delay_ms),
    certificateDays: String(probe.notify.certificate_days ?? 0),
    group: probe.notify.group,
  };
}

export type Mistake = "needed" | "number" | "interval" | "url" | "host" | "host_port" | "no_pings" | "hosts_needed" | "delay_needed" | "days" | "crossed" | "nobody_asks";

/** The probe that was typed, or what is wrong with it, by field. */
export function fromDraft(draft: Draft, say: (mistake: Mistake) => string): { body: ProbeBody } | { errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  const wrong = (field: string, mistake: Mistake): void => {
    errors[field] ??= say(mistake);
  };
  const name = draft.name.trim();
  const target = draft.target.trim();
  if (name === "") wrong("name", "needed");
  if (target === "") wrong("target", "needed");
  else if (draft.kind === "http" && !/^https?:\/\/[^\s/@]+(?:[/?#]\S*)?$/i.test(target)) wrong("target", "url");
  else if (draft.kind === "tcp" && !/^(\[[0-9a-f:.]+\]|[^\s:/]+):\d{1,5}$/i.test(target)) wrong("target", "host_port");
  else if (draft.kind === "icmp" && (/[\s/]/.test(target) || target.includes("://"))) wrong("target", "host");
  if (draft.kind === "icmp" && draft.fromEdge) wrong("from_edge", "no_pings");
  const whole = (text: string): number | undefined => (/^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : undefined);
  const interval = whole(draft.interval);
  if (interval === undefined || interval < 10 || interval > 86_400) wrong("interval_s", "interval");
  if (draft.reach === "only" && draft.hosts.length === 0 && !draft.fromEdge) wrong("hosts", "nobody_asks");
  const delay = (text: string, field: string): number => {
    if (text.trim() === "") return 0;
    const read = Number(text.trim().replace(",", "."));
    if (!Number.isFinite(read) || read < 0) wrong(field, "number");
    return read;
  };
  const [min, max] = [delay(draft.minDelay, "min_delay_ms"), delay(draft.maxDelay, "max_delay_ms")];
  if (draft.ofDelay && min === 0 && max === 0) wrong("max_delay_ms", "delay_needed");
  if (min > 0 && max > 0 && min >= max) wrong("min_delay_ms", "crossed");
  const days = draft.certificateDays.trim() === "" ? 0 : whole(draft.certificateDays);
  if (days === undefined || days > 3_650) wrong("certificate_days", "days");
  const hosts: Coverage = draft.reach === "only" ? { only: [...draft.hosts] } : { all_but: draft.reach === "except" ? [...draft.hosts] : [] };
  if (Object.keys(errors).length > 0) return { errors };
  return {
    body: {
      name, kind: draft.kind, target, interval_s: interval ?? 30, hosts, from_edge: draft.fromEdge, public: draft.isPublic, delays_public: draft.delaysPublic,
      notify: { state: draft.ofState, delay: draft.ofDelay, min_delay_ms: min, max_delay_ms: max, certificate_days: draft.kind === "http" ? (days ?? 0) : 0, group: draft.group.trim() },
    },
  };
}

/** Where the server's refusal of a field belongs. */
export function placeOf(field: string | undefined): string | undefined {
  const names: Record<string, string> = { notify: "max_delay_ms", "notify.certificate_days": "certificate_days" };
  if (field === undefined) return undefined;
  return names[field] ?? field;
}

/** Whether a host asks. */
export function covers(hosts: Coverage, id: number): boolean {
  return "only" in hosts ? hosts.only.includes(id) : !hosts.all_but.includes(id);
}

/** How much of all results was good, in percent; null without any. */
export function uptime(days: readonly Day[]): number | null {
  let [all, good] = [0, 0];
  for (const day of days) {
    if (day.up_percent === null) continue;
    all += day.results;
    good += (day.results * day.up_percent) / 100;
  }
  // The best day that is not perfect is not shown as perfect.
  return all === 0 ? null : Math.floor((good / all) * 100_000) / 1_000;
}

/** How a day was: as the server judges states, more than 95 % is good and more than 80 % is low. */
export function toneOfDay(day: Day): "none" | "good" | "low" | "down" {
  if (day.up_percent === null) return "none";
  return day.up_percent > 95 ? "good" : day.up_percent > 80 ? "low" : "down";
}

/** The UTC day of a bar: Unix seconds of its noon, which is the same date in most zones. */
export function dayAt(today: number, days: number, index: number): number {
  return (today - (days - 1 - index)) * 86_400 + 43_200;
}

/** How near a certificate's end is: days left, and how bad that is. */
export function certificate(expiresS: number, nowS: number): { days: number; tone: "ok" | "warn" | "bad" } {
  const days = Math.floor((expiresS - nowS) / 86_400);
  return { days, tone: days < 3 ? "bad" : days < 14 ? "warn" : "ok" };
}

/** The order of the list: what is down first, then by name. */
export function byState(one: { state: State; name: string }, other: { state: State; name: string }): number {
  const rank: Record<State, number> = { down: 0, low: 1, no_data: 2, good: 3 };
  return rank[one.state] - rank[other.state] || one.name.localeCompare(other.name);
}

export interface Line {
  host: number;
  at: number[];
  values: (number | null)[];
}

interface SeriesReply {
  series: { host: number; metric: string; step_s: number; at_s: number[]; average: (number | null)[] }[];
}

/** The delays in an answer of series, by host; hosts that have none are left out. */
export function linesOf(reply: SeriesReply): Line[] {
  return reply.series
    .map((one) => ({ host: one.host, at: one.at_s, values: one.average }))
    .filter((line) => line.values.some((value) => value !== null));
}

/** Round steps for an axis from 0 to at least `top`: at most `most` of them. */
export function ticks(top: number, most: number): number[] {
  if (!(top > 0)) return [0, 1];
  const raw = top / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= raw) ?? 10) * power;
  const found: number[] = [];
  for (let tick = 0; tick < top + step * 0.999; tick += step) found.push(Number(tick.toPrecision(6)));
  return found;
}
