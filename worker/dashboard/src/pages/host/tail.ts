// What came over the socket since history was asked for, at the end of it. Pure.

import type { SeriesPart } from "../../charts/series.ts";
import type { HostNow } from "../../live/types.ts";

/** Points further apart are means of many samples: one more sample would be none of them. */
const FINE_S = 30;

/** The value of a metric in what a host is now. */
export function valueNow(host: HostNow, metric: string): number | undefined {
  if (metric.startsWith("temperature/")) return host.temperatures?.find((sensor) => `temperature/${sensor.name}` === metric)?.celsius;
  const value = (host as unknown as Record<string, unknown>)[metric];
  return typeof value === "number" ? value : undefined;
}

/** A series with the newest samples behind its end; itself where they belong to none of its points. */
export function withTail(part: SeriesPart, samples: readonly HostNow[]): SeriesPart {
  if (part.step_s > FINE_S) return part;
  const last = part.at_s.at(-1);
  const behind = samples.filter((host) => host.sampled_at_ms !== undefined && (last === undefined || host.sampled_at_ms / 1000 >= last + part.step_s));
  if (behind.length === 0) return part;
  const grown: SeriesPart = { ...part, at_s: [...part.at_s], average: [...part.average], maximum: [...part.maximum], samples: [...part.samples] };
  const push = (at: number, value: number | null, count: number): void => {
    grown.at_s.push(at);
    grown.average.push(value);
    grown.maximum.push(value);
    grown.samples.push(count);
  };
  for (const host of behind) {
    const value = valueNow(host, part.metric);
    const at = Math.floor((host.sampled_at_ms ?? 0) / 1000);
    const before = grown.at_s.at(-1);
    if (value === undefined || (before !== undefined && at <= before)) continue;
    // A hole is one, also here: agents send a sample each ten seconds, or each minute.
    if (before !== undefined && at - before > 150) push(before + part.step_s, null, 0);
    push(at, value, 1);
  }
  return grown;
}
