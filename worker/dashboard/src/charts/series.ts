// Answers of `GET /api/edgewatch/v1/series` as the columns that charts are drawn from.

/** One metric of one host. Source: worker/core/src/dialects/native/series.rs. */
export interface SeriesPart {
  host: number;
  metric: string;
  tiers: string[];
  step_s: number;
  at_s: number[];
  average: (number | null)[];
  maximum: (number | null)[];
  samples: number[];
}

export interface SeriesReply {
  from_s: number;
  to_s: number;
  complete: boolean;
  series: SeriesPart[];
}

/** Which of the two values of a point is shown. */
export type Show = "average" | "maximum";

/** The most metrics of one question. */
export const METRICS_AT_ONCE = 20;

/** A point's value; null draws a gap, undefined is no point of this line at all. */
export type Value = number | null | undefined;

/** Columns over one axis of time. */
export interface Columns {
  /** Unix seconds, ascending: the middle of each point's time. */
  at: number[];
  /** Per line, a value per point. */
  values: Value[][];
}

/** Whether a metric has any point. */
export function hasData(part: SeriesPart | undefined): boolean {
  return part !== undefined && part.average.some((value) => value !== null);
}

/** Whether no maxima were kept of anything that is shown: of what is long ago there are averages alone. */
export function lacksMaximum(parts: readonly SeriesPart[]): boolean {
  const seen = parts.filter(hasData);
  return seen.length > 0 && seen.every((part) => part.maximum.every((value) => value === null));
}

/** The values of a series as asked: where no maximum was kept, the average stands for it. */
export function valuesOf(part: SeriesPart, show: Show): (number | null)[] {
  if (show === "average") return part.average;
  return part.average.map((average, at) => part.maximum[at] ?? average);
}

/** One line's points before they are joined. */
export interface Line {
  at: readonly number[];
  values: readonly (number | null)[];
}

/** A series as a line. The time of a point lies around its middle. */
export function lineOf(part: SeriesPart, show: Show, scale = 1): Line {
  const half = part.step_s > 10 ? part.step_s / 2 : 0;
  const values = valuesOf(part, show);
  return { at: part.at_s.map((at) => at + half), values: scale === 1 ? values : values.map((value) => (value === null ? null : value * scale)) };
}

/** Lines over the times of all of them. A line that has no point at a time of another one goes on across it. */
export function join(lines: readonly Line[]): Columns {
  const [first] = lines;
  if (first && lines.every((line) => sameTimes(line.at, first.at))) return { at: [...first.at], values: lines.map((line) => [...line.values]) };
  const at = [...new Set(lines.flatMap((line) => line.at))].sort((one, other) => one - other);
  const place = new Map(at.map((time, index) => [time, index]));
  const values = lines.map((line) => {
    const column: Value[] = new Array<Value>(at.length).fill(undefined);
    line.at.forEach((time, index) => {
      const slot = place.get(time);
      if (slot !== undefined) column[slot] = line.values[index] ?? null;
    });
    return column;
  });
  return { at, values };
}

function sameTimes(one: readonly number[], other: readonly number[]): boolean {
  return one === other || (one.length === other.length && one.every((time, at) => time === other[at]));
}

/** What is said of a line in words. */
export interface Stats {
  min?: number;
  average?: number;
  max?: number;
  /** The last value there is. */
  now?: number;
}

/** Minimum, mean, maximum and newest of a line. Of a series the maximum is that of its samples where it was kept. */
export function statsOf(values: readonly Value[], maxima?: readonly (number | null)[], weights?: readonly number[]): Stats {
  let [sum, count] = [0, 0];
  const stats: Stats = {};
  values.forEach((value, at) => {
    if (value === null || value === undefined) return;
    const weight = weights?.[at] || 1;
    const largest = maxima?.[at] ?? value;
    stats.min = stats.min === undefined ? value : Math.min(stats.min, value);
    stats.max = stats.max === undefined ? largest : Math.max(stats.max, largest);
    stats.now = value;
    sum += value * weight;
    count += weight;
  });
  if (count > 0) stats.average = sum / count;
  return stats;
}

/** The same of a whole series, each point counted as often as it has samples. */
export function statsOfSeries(part: SeriesPart, scale = 1): Stats {
  const stats = statsOf(part.average, part.maximum, part.samples);
  const scaled = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * scale);
  return { min: scaled(stats.min), average: scaled(stats.average), max: scaled(stats.max), now: scaled(stats.now) };
}

/** Each line on top of the ones before it. Where one has no value it adds nothing; where none has, there is a gap. */
export function stack(values: readonly (readonly Value[])[]): Value[][] {
  const length = values[0]?.length ?? 0;
  const below: number[] = new Array<number>(length).fill(0);
  return values.map((line) =>
    line.map((value, at) => {
      if (values.every((other) => other[at] === null || other[at] === undefined)) return value;
      below[at] = (below[at] ?? 0) + (value ?? 0);
      return below[at];
    }),
  );
}

/** Names in questions of at most so many each. */
export function chunks<T>(all: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < all.length; at += size) parts.push(all.slice(at, at + size));
  return parts;
}
