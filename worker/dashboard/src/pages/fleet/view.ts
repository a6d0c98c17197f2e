// Which hosts the fleet shows, in which order and groups. Pure.

import { share } from "../../app/format.ts";
import type { HostNow, PresenceWord } from "../../live/types.ts";

export type Shown = "all" | PresenceWord;
export type GroupBy = "none" | "group" | "tag" | "country";
export type SortKey = "order" | "name" | "cpu" | "memory" | "disk" | "swap" | "load" | "down" | "up" | "uptime" | "seen";

export interface View {
  typed: string;
  shown: Shown;
  groupBy: GroupBy;
  sort: SortKey;
  isDown: boolean;
  folded: ReadonlySet<string>;
}

export type Item = { kind: "group"; key: string; name: string; online: number; count: number; isFolded: boolean } | { kind: "host"; key: string; id: number };

/** What rows are sorted by; undefined goes last whichever way. */
export const SORTS: Record<Exclude<SortKey, "order" | "name">, (host: HostNow) => number | undefined> = {
  cpu: (host) => host.cpu_percent,
  memory: (host) => share(host.mem_used_bytes, host.mem_total_bytes),
  disk: (host) => share(host.disk_used_bytes, host.disk_total_bytes),
  swap: (host) => share(host.swap_used_bytes, host.swap_total_bytes),
  load: (host) => host.load1,
  down: (host) => host.net_in_bytes_per_s,
  up: (host) => host.net_out_bytes_per_s,
  uptime: (host) => host.uptime_s,
  seen: (host) => host.last_seen_s,
};

const haystacks = new WeakMap<HostNow, string>();

/** Whether a host has every word that was typed, in its name, group, tags, system or state. */
export function fits(host: HostNow, typed: string): boolean {
  const words = typed.trim().toLowerCase().split(/\s+/);
  if (words[0] === "") return true;
  let text = haystacks.get(host);
  if (text === undefined) {
    const parts = [host.name, host.tag, ...(host.tags ?? []), host.presence, host.platform, host.platform_version, host.class, host.virtualization, host.country_code, host.public_id];
    text = parts.filter(Boolean).join(" ").toLowerCase();
    haystacks.set(host, text);
  }
  const found = text;
  return words.every((word) => found.includes(word));
}

/** How many hosts there are of each state, among those that fit what was typed. */
export function counts(hosts: Iterable<HostNow>, typed: string): Record<Shown, number> {
  const sums = { all: 0, online: 0, offline: 0, never: 0 };
  for (const host of hosts) {
    if (!fits(host, typed)) continue;
    sums.all += 1;
    sums[host.presence] += 1;
  }
  return sums;
}

/** The fleet as a list: groups' heads and hosts. `names` compares names as people sort them. */
export function listed(hosts: Iterable<HostNow>, view: View, names: (one: string, other: string) => number): Item[] {
  const found: HostNow[] = [];
  for (const host of hosts) if ((view.shown === "all" || host.presence === view.shown) && fits(host, view.typed)) found.push(host);
  found.sort(comparison(view, names));
  if (view.groupBy === "none") return found.map((host) => ({ kind: "host", key: String(host.id), id: host.id }));

  const groups = new Map<string, HostNow[]>();
  for (const host of found) {
    for (const name of groupsOf(host, view.groupBy)) {
      const known = groups.get(name);
      if (known) known.push(host);
      else groups.set(name, [host]);
    }
  }
  const items: Item[] = [];
  // Those without a group come last.
  const ordered = [...groups.keys()].sort((one, other) => Number(one === "") - Number(other === "") || names(one, other));
  for (const name of ordered) {
    const members = groups.get(name) ?? [];
    const key = `${view.groupBy}:${name}`;
    const isFolded = view.folded.has(key);
    items.push({ kind: "group", key, name, online: members.filter((host) => host.presence === "online").length, count: members.length, isFolded });
    if (!isFolded) for (const host of members) items.push({ kind: "host", key: `${key}/${host.id}`, id: host.id });
  }
  return items;
}

function groupsOf(host: HostNow, by: GroupBy): readonly string[] {
  if (by === "tag") return host.tags && host.tags.length > 0 ? host.tags : [""];
  return [(by === "country" ? host.country_code : host.tag) ?? ""];
}

function comparison(view: View, names: (one: string, other: string) => number): (one: HostNow, other: HostNow) => number {
  const named = (one: HostNow, other: HostNow): number => names(one.name, other.name) || one.id - other.id;
  if (view.sort === "name") return view.isDown ? (one, other) => -named(one, other) : named;
  if (view.sort === "order") return (one, other) => other.display_index - one.display_index || named(one, other);
  const by = SORTS[view.sort];
  return (one, other) => {
    const [a, b] = [by(one), by(other)];
    if (a === undefined || b === undefined) return a === b ? named(one, other) : a === undefined ? 1 : -1;
    return (view.isDown ? b - a : a - b) || named(one, other);
  };
}

/** Whether a change of the fleet can change the list by itself: who is there, called what, in which state and group. Values alone
 * move rows only when it is time to. */
export function moves(before: ReadonlyMap<number, HostNow>, after: ReadonlyMap<number, HostNow>): boolean {
  if (before.size !== after.size) return true;
  for (const [id, host] of after) {
    const known = before.get(id);
    if (known === host) continue;
    if (!known || known.name !== host.name || known.presence !== host.presence || known.tag !== host.tag || known.display_index !== host.display_index) return true;
    if ((known.tags ?? []).join("\n") !== (host.tags ?? []).join("\n") || known.country_code !== host.country_code) return true;
  }
  return false;
}

export interface Line {
  height: number;
  items: readonly Item[];
}

/** Items as lines of the page: a head takes a line, hosts take one each or share it in columns. */
export function lines(items: readonly Item[], columns: number, heights: { group: number; host: number }): Line[] {
  const made: Line[] = [];
  let open: Item[] | null = null;
  for (const item of items) {
    if (item.kind === "group") {
      made.push({ height: heights.group, items: [item] });
      open = null;
    } else if (open && open.length < columns) open.push(item);
    else {
      open = [item];
      made.push({ height: heights.host, items: open });
    }
  }
  return made;
}

/** Where each line begins; one more number than lines, the last is the end. */
export function offsets(all: readonly Line[]): Float64Array {
  const tops = new Float64Array(all.length + 1);
  all.forEach((line, at) => {
    tops[at + 1] = (tops[at] ?? 0) + line.height;
  });
  return tops;
}

/** The lines between two heights, `from` inclusive, `to` exclusive. */
export function between(tops: Float64Array, top: number, bottom: number): { from: number; to: number } {
  const last = tops.length - 1;
  const find = (height: number): number => {
    let [low, high] = [0, last];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tops[middle + 1] ?? 0) <= height) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return { from: find(Math.max(0, top)), to: Math.min(last, find(bottom) + 1) };
}
