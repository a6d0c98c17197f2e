// The range of time that a page's charts show: how it stands in the address, and what a question about it asks for.

export type Range =
  | { kind: "live" }
  /** The last so many seconds, moving on. */
  | { kind: "last"; name: string; spanS: number }
  /** From one second to another, standing still. */
  | { kind: "span"; fromS: number; toS: number };

const HOUR_S = 3_600;
const DAY_S = 86_400;
/** What live shows: long enough to see where a value comes from. */
export const LIVE_SPAN_S = 600;
/** Samples are ten seconds apart: less than this shows nothing more. */
export const LEAST_SPAN_S = 60;
/** History is kept for five years. */
const MOST_SPAN_S = 5 * 366 * DAY_S;

/** Ranges to choose from, by the name that stands in the address. */
export const PRESETS: readonly { name: string; spanS: number }[] = [
  { name: "1h", spanS: HOUR_S },
  { name: "6h", spanS: 6 * HOUR_S },
  { name: "24h", spanS: DAY_S },
  { name: "7d", spanS: 7 * DAY_S },
  { name: "30d", spanS: 30 * DAY_S },
  { name: "90d", spanS: 90 * DAY_S },
  { name: "1y", spanS: 365 * DAY_S },
  { name: "2y", spanS: 2 * 365 * DAY_S },
  { name: "5y", spanS: 5 * 365 * DAY_S },
];

const FIRST: Range = { kind: "last", name: "1h", spanS: HOUR_S };

/** The range that an address names; the last hour where it names none, or none that there is. */
export function readRange(query: Pick<URLSearchParams, "get">): Range {
  const name = query.get("range");
  if (name === "live") return { kind: "live" };
  const preset = PRESETS.find((one) => one.name === name);
  if (preset) return { kind: "last", ...preset };
  const [from, to] = [seconds(query.get("from")), seconds(query.get("to"))];
  return from !== null && to !== null ? (span(from, to) ?? FIRST) : FIRST;
}

/** A span as it can be shown; null where it is none. */
export function span(fromS: number, toS: number): Range | null {
  if (!Number.isFinite(fromS) || !Number.isFinite(toS) || toS <= fromS) return null;
  const middle = (fromS + toS) / 2;
  const half = Math.min(Math.max(toS - fromS, LEAST_SPAN_S), MOST_SPAN_S) / 2;
  return { kind: "span", fromS: Math.max(0, Math.floor(middle - half)), toS: Math.ceil(middle + half) };
}

/** What to write into the address for a range; null takes a name away. The first range needs no words. */
export function rangeQuery(range: Range): { range: string | null; from: string | null; to: string | null } {
  if (range.kind === "span") return { range: null, from: String(range.fromS), to: String(range.toS) };
  const name = range.kind === "live" ? "live" : range.name;
  return { range: name === FIRST_NAME ? null : name, from: null, to: null };
}
const FIRST_NAME = "1h";

/** Whether two ranges are the same. */
export function sameRange(one: Range, other: Range): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** From when to when a range goes, by the server's clock now. */
export function bounds(range: Range, nowS: number): { fromS: number; toS: number } {
  if (range.kind === "span") return { fromS: range.fromS, toS: range.toS };
  const spanS = range.kind === "live" ? LIVE_SPAN_S : range.spanS;
  // The newest sample may be of this very second.
  return { fromS: Math.floor(nowS) + 1 - spanS, toS: Math.floor(nowS) + 1 };
}

/** So many points are asked for: one for each two pixels or so, and none between two samples. */
export function pointsFor(spanS: number, widthPx: number): number {
  return Math.max(30, Math.min(600, Math.floor(widthPx / 1.5), Math.ceil(spanS / 10)));
}

/** How often a range is asked for again, seconds; undefined for one that stands still. Each time costs the hub some rows. */
export function everyS(range: Range, nowS: number): number | undefined {
  // What is cut out of the past changes no more, but for what agents still have in their spools.
  if (range.kind === "span") return range.toS > nowS - 120 ? 60 : undefined;
  if (range.kind === "live") return 60;
  if (range.spanS <= HOUR_S) return 30;
  if (range.spanS <= DAY_S) return 60;
  return 600;
}

function seconds(text: string | null): number | null {
  return text !== null && /^\d{1,11}$/.test(text) ? Number(text) : null;
}
