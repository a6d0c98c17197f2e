// The public page in one sentence, and its hosts in order. Pure.

/** What the page needs of a host; `HostNow` of the live socket has it. */
export interface Seen {
  id: number;
  name: string;
  tag?: string;
  display_index: number;
  presence: "online" | "offline" | "never";
}

export interface ProbeSeen {
  state: "no_data" | "good" | "low" | "down";
}

/** The state of everything that guests see: a key of the messages, its counts, and how it is painted. */
export interface Overall {
  key: "empty" | "allGood" | "someDown" | "allDown" | "probesDown" | "waiting";
  mood: "ok" | "warn" | "bad" | "none";
  down: number;
  count: number;
  probesDown: number;
}

/** One sentence for everything. A host that was never heard from is no trouble, it is not there yet. */
export function overallOf(hosts: readonly Seen[], probes: readonly ProbeSeen[]): Overall {
  const known = hosts.filter((host) => host.presence !== "never");
  const down = known.filter((host) => host.presence === "offline").length;
  const probesDown = probes.filter((probe) => probe.state === "down").length;
  const counts = { down, count: known.length, probesDown };
  if (known.length === 0 && probes.every((probe) => probe.state === "no_data")) {
    return { key: hosts.length === 0 ? "empty" : "waiting", mood: "none", ...counts };
  }
  if (down === 0 && probesDown === 0) {
    const low = probes.some((probe) => probe.state === "low");
    return { key: "allGood", mood: low ? "warn" : "ok", ...counts };
  }
  if (down === 0) return { key: "probesDown", mood: "bad", ...counts };
  return { key: down === known.length ? "allDown" : "someDown", mood: "bad", ...counts };
}

export interface Group<Host extends Seen> {
  name: string;
  hosts: Host[];
  up: number;
  down: number;
}

/** Hosts by group: groups by name with the nameless one last, hosts as their display order and then their names have it. */
export function groupsOf<Host extends Seen>(hosts: Iterable<Host>, compare: (a: string, b: string) => number): Group<Host>[] {
  const groups = new Map<string, Host[]>();
  for (const host of hosts) {
    const name = host.tag ?? "";
    const members = groups.get(name);
    if (members) members.push(host);
    else groups.set(name, [host]);
  }
  const byOrder = (a: Host, b: Host): number =>
    b.display_index - a.display_index || compare(a.name, b.name) || a.id - b.id;
  const named = [...groups].map(([name, members]) => ({
    name,
    hosts: members.sort(byOrder),
    up: members.filter((host) => host.presence === "online").length,
    down: members.filter((host) => host.presence === "offline").length,
  }));
  const last = (name: string): number => (name === "" ? 1 : 0);
  return named.sort((a, b) => last(a.name) - last(b.name) || compare(a.name, b.name));
}

/** A part of a whole in percent, 0 to 100; `undefined` where either is not known or there is no whole. */
export function shareOf(used: number | undefined, total: number | undefined): number | undefined {
  if (used === undefined || total === undefined || !(total > 0)) return undefined;
  return Math.max(0, Math.min(100, (100 * used) / total));
}

export interface Day {
  results: number;
  up_percent: number | null;
}

/** How a day of a probe is painted. */
export function dayMood(day: Day): "none" | "good" | "low" | "down" {
  if (day.results === 0 || day.up_percent === null) return "none";
  if (day.up_percent > 95) return "good";
  return day.up_percent > 80 ? "low" : "down";
}

/** The availability of all days together, weighed by their results; `null` without any. */
export function availability(days: readonly Day[]): number | null {
  let results = 0;
  let good = 0;
  for (const day of days) {
    if (day.up_percent === null) continue;
    results += day.results;
    good += (day.results * day.up_percent) / 100;
  }
  return results === 0 ? null : (100 * good) / results;
}

/** The UTC date of a day that is counted since 1970, in Unix seconds at its noon, so that no zone moves it. */
export const noonOf = (day: number): number => day * 86_400 + 43_200;

/** A public note as people read it: front ends of Nezha keep JSON in it, which is for programs. */
export function noteText(note: string | undefined): string {
  const text = (note ?? "").trim();
  if (!text.startsWith("{") && !text.startsWith("[")) return text;
  try {
    JSON.parse(text);
    return "";
  } catch {
    return text;
  }
}
