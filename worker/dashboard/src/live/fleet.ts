// The fleet as messages make it. Pure.

import type { HostNow, Message } from "./types.ts";

/** The hosts after a message, and those of them whose newest sample came with it. */
export function taken(before: ReadonlyMap<number, HostNow>, message: Message): { hosts: ReadonlyMap<number, HostNow>; sampled: HostNow[] } {
  const hosts = message.type === "snapshot" ? new Map<number, HostNow>() : new Map(before);
  const sampled: HostNow[] = [];
  for (const host of message.hosts) {
    const known = before.get(host.id);
    if (host.sampled_at_ms !== undefined && host.sampled_at_ms !== known?.sampled_at_ms) sampled.push(host);
    hosts.set(host.id, host);
  }
  if (message.type === "delta") for (const id of message.gone ?? []) hosts.delete(id);
  return { hosts, sampled };
}

/** Seconds until the next try: doubled each time up to 30, spread so that a thousand browsers do not come at once. */
export function backOff(failures: number, random: number = Math.random()): number {
  return Math.min(30, 2 ** Math.min(failures, 5)) * (0.5 + random / 2);
}

/** The window that the server is told: whom each part of the page shows, at most `most` together, taken in turns. */
export function windowOf(wanted: Iterable<readonly number[]>, most = 50): number[] {
  const lists = [...wanted];
  const ids = new Set<number>();
  const longest = Math.max(0, ...lists.map((list) => list.length));
  for (let at = 0; at < longest; at += 1) {
    for (const list of lists) {
      const id = list[at];
      if (id !== undefined && ids.size < most) ids.add(id);
    }
  }
  return [...ids];
}
