// What is shown of alerts and events. Pure: which of them are wanted, and what their sentences say without what stands beside them.

import type { EventPart } from "../../charts/gaps.ts";
import type { Alert } from "../rules/api.ts";

export type { Alert };

export type Event = EventPart;

export interface Page<T> {
  rows: T[];
  cursor: string | null;
}

/** What somebody wants to see; empty is everything. */
export interface Filter {
  host: string;
  kind: string;
  severity: string;
  rule: string;
}

export const SINCE: ReadonlyMap<string, number> = new Map([
  ["day", 86_400],
  ["week", 7 * 86_400],
  ["month", 30 * 86_400],
  ["all", Infinity],
]);

/** The kinds that alerts are told apart by: the three of probes are one to people. */
export const KINDS = ["rule", "probe", "monitor", "check", "threshold"] as const;

export function kindOfAlert(alert: Pick<Alert, "source">): (typeof KINDS)[number] {
  return alert.source === "probe_latency" || alert.source === "probe_certificate" ? "probe" : alert.source;
}

/** Whether an alert is wanted. Hosts are found by a part of their name. */
export function isWanted(alert: Alert, filter: Filter, hostName: (id: number) => string): boolean {
  if (filter.severity !== "" && alert.severity !== filter.severity) return false;
  if (filter.kind !== "" && kindOfAlert(alert) !== filter.kind) return false;
  if (filter.rule !== "" && !(alert.source === "rule" && String(alert.source_id) === filter.rule)) return false;
  return isOfHost(alert.host_id, filter.host, hostName);
}

/** Whether something is of a host that is wanted. */
export function isOfHost(id: number | null, wanted: string, hostName: (id: number) => string): boolean {
  const part = wanted.trim().toLowerCase();
  return part === "" || (id !== null && hostName(id).toLowerCase().includes(part));
}

/** The sentence without the mark before it, and without its host, which stands in front of it:
 * `[Incident] fra-1(203.****.7) busy` is `busy`, and `fra-1 is online again` is `is online again`. */
export function subject(text: string, host: string | undefined): string {
  const bare = text.replace(/^\[(Incident|Resolved|IP Changed)\] /, "");
  if (host === undefined || host === "") return bare;
  for (const behind of [" ", ", "]) {
    if (bare.startsWith(host + behind)) return bare.slice(host.length + behind.length);
  }
  if (!bare.startsWith(`${host}(`)) return bare;
  const end = bare.indexOf(") ", host.length);
  return end === -1 ? bare : bare.slice(end + 2);
}

/** Open ones: the worst first, of these the newest, and what somebody knows of at the end. */
export function byUrgency(one: Alert, other: Alert): number {
  const known = (alert: Alert) => (alert.acknowledged_at_s === null ? 0 : 1);
  const rank = { critical: 0, warning: 1, unknown: 2 };
  return known(one) - known(other) || rank[one.severity] - rank[other.severity] || other.opened_at_s - one.opened_at_s;
}

/** How an event is meant: bad news, good news, or news. */
export function toneOf(kind: string): "bad" | "warn" | "ok" | "neutral" {
  switch (kind) {
    case "host_offline":
    case "alert_fired":
    case "alert_escalated":
      return "bad";
    case "monitoring_impaired":
    case "duplicate_machine":
    case "budget_tight":
    case "alert_changed":
    case "alert_reminder":
    case "nobody_told":
    case "certificate_changed":
      return "warn";
    case "host_online":
    case "alert_recovered":
      return "ok";
    default:
      return "neutral";
  }
}

/** The kinds of events, as the filter offers them. */
export const EVENT_KINDS = [
  "host_offline", "host_online", "alert_fired", "alert_changed", "alert_reminder", "alert_escalated", "alert_recovered", "alert_withdrawn",
  "address_changed", "certificate_changed", "nobody_told", "monitoring_impaired", "duplicate_machine", "budget_tight", "news",
] as const;

/** So many pages are asked for in a row while none of them has enough of what is wanted. */
const MOST_PAGES = 5;

/** Reads on until there are `enough` wanted ones, or what is left is older than `oldestS`. The cursor is null where nothing is left. */
export async function readOn<T>(
  ask: (cursor: string | null) => Promise<Page<T>>,
  from: string | null,
  options: { enough: number; oldestS: number; at: (row: T) => number; wanted: (row: T) => boolean },
): Promise<Page<T>> {
  const rows: T[] = [];
  let cursor = from;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const found = await ask(cursor);
    const young = found.rows.filter((row) => options.at(row) >= options.oldestS);
    rows.push(...young.filter(options.wanted));
    cursor = young.length < found.rows.length ? null : found.cursor;
    if (cursor === null || rows.length >= options.enough) break;
  }
  return { rows, cursor };
}

/** By days, newest first: the day's own words and what happened on it. */
export function byDay<T>(rows: readonly T[], at: (row: T) => number, day: (unixS: number) => string): { day: string; rows: T[] }[] {
  const days: { day: string; rows: T[] }[] = [];
  for (const row of rows) {
    const name = day(at(row));
    const last = days[days.length - 1];
    if (last?.day === name) last.rows.push(row);
    else days.push({ day: name, rows: [row] });
  }
  return days;
}
