// A series as the API tells it, out of points.

import type { SeriesPart } from "../src/charts/series.ts";

/** Times, averages and maxima; a point without an average is a gap. */
export function part(metric: string, points: [number, number | null, number | null][], step_s = 10): SeriesPart {
  return { host: 1, metric, tiers: ["samples"], step_s, at_s: points.map(([at]) => at), average: points.map(([, average]) => average), maximum: points.map(([, , maximum]) => maximum), samples: points.map(([, average]) => (average === null ? 0 : 1)) };
}
