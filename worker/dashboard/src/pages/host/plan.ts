// Which charts a host has, out of the names of what was measured. Pure: what is not there has no chart.

import { type Columns, type Line, METRICS_AT_ONCE, type SeriesPart, type Show, type Stats, hasData, join, lineOf, statsOf, statsOfSeries } from "../../charts/series.ts";
import type { Unit } from "../../charts/units.ts";

/** The built-in metrics that are drawn, and the uptime, which tells a host that was down from one that was cut off. */
export const BUILT_IN = [
  "cpu_percent", "mem_used_bytes", "swap_used_bytes", "disk_used_bytes", "net_in_bytes_per_s", "net_out_bytes_per_s", "load1", "load5", "load15",
  "tcp_connections", "udp_connections", "processes", "gpu_percent", "uptime_s",
] as const;

export type Group = "processor" | "memory" | "disks" | "network" | "sensors" | "activity" | "probes" | "own";

export interface LineSpec {
  /** A message's key, or the name as the host said it. */
  label: string;
  isName?: boolean;
  metric: string;
  /** The line is the metric's share of this one, in percent. */
  over?: string;
}

export interface ChartSpec {
  id: string;
  group: Group;
  title: string;
  /** Whether the title is a name and no message's key. */
  isName?: boolean;
  unit: Unit;
  lines: LineSpec[];
  most?: number;
  stacked?: boolean;
  /** Whether each line is a share of the sum of all, in percent: parts of a whole that is 100 for each core. */
  shares?: boolean;
  /** A message's key for a sentence below. */
  note?: string;
}

/** What is known of a host besides its history. */
export interface Known {
  memTotal?: number;
  swapTotal?: number;
  diskTotal?: number;
  /** The mount of a device as metrics name it. */
  mounts?: ReadonlyMap<string, string>;
  probes?: ReadonlyMap<number, string>;
  /** The units of its own metrics, as far as somebody said them. */
  units?: ReadonlyMap<string, Unit>;
}

const UNITS: Record<string, Unit> = { percentage: "percent", bytes: "bytes", "bytes/sec": "bytes_per_s", "bits/sec": "number", iops: "ops_per_s", milliseconds: "ms", seconds: "seconds", integer: "count", celsius: "celsius" };

/** A unit in Mackerel's words; a plain number where there is none. */
export function unitOf(word: string | null): Unit {
  return UNITS[word ?? ""] ?? "number";
}

/** A chart has so many lines at most; more are further charts. */
const MOST_LINES = 8;
/** So many names of a host's own are drawn before somebody asks for more. */
export const FIRST_OWN = 24;
const CPU_PARTS = ["user", "system", "iowait", "nice", "steal", "irq", "softirq", "guest"];
const MEMORY_PARTS = ["used", "buffers", "cached", "mem_available"];
const STOCK = [/^cpu\.[a-z]+\.percentage$/, /^memory\.[a-z_]+$/, /^loadavg(1|5|15)$/, /^interface\.[^.]+\.(rx|tx)Bytes\.delta$/, /^disk\.[^.]+\.(reads|writes)\.delta$/, /^filesystem\.[^.]+\.(size|used)$/];

/** A device or interface as metrics name it. Source: worker/core/src/metrics/mackerel.rs, mackerel specification, 5.5. */
export function metricName(device: string): string {
  return device.replace(/^\/dev\//, "").replace(/[^A-Za-z0-9_-]/g, "_");
}

/** The charts of the built-in metrics. */
export function builtInCharts(known: Known): ChartSpec[] {
  const chart = (id: string, group: Group, unit: Unit, lines: readonly (readonly [string, string])[], more: Partial<ChartSpec> = {}): ChartSpec => ({
    id, group, unit, title: `host.chart_${id}`, lines: lines.map(([label, metric]) => ({ label: `host.line_${label}`, metric })), ...more,
  });
  return [
    chart("cpu", "processor", "percent", [["cpu", "cpu_percent"]], { most: 100 }),
    chart("load", "processor", "load", [["load1", "load1"], ["load5", "load5"], ["load15", "load15"]]),
    chart("memory", "memory", "bytes", [["used", "mem_used_bytes"]], { most: known.memTotal }),
    chart("swap", "memory", "bytes", [["used", "swap_used_bytes"]], { most: known.swapTotal }),
    chart("disk", "disks", "bytes", [["used", "disk_used_bytes"]], { most: known.diskTotal }),
    chart("network", "network", "bytes_per_s", [["in", "net_in_bytes_per_s"], ["out", "net_out_bytes_per_s"]]),
    chart("gpu", "sensors", "percent", [["gpu", "gpu_percent"]], { most: 100 }),
    chart("connections", "network", "count", [["tcp", "tcp_connections"], ["udp", "udp_connections"]]),
    chart("processes", "activity", "count", [["processes", "processes"]]),
  ];
}

/** The charts of what else was measured, by the names of it; those of its own at the end. */
export function namedCharts(names: readonly string[], known: Known): ChartSpec[] {
  const has = new Set(names);
  const matching = (pattern: RegExp): string[] => [...new Set(names.flatMap((name) => pattern.exec(name)?.[1] ?? []))].toSorted(byName);
  const name = (label: string, metric: string, over?: string): LineSpec => ({ label, isName: true, metric, over });
  const parts = CPU_PARTS.filter((part) => has.has(`cpu.${part}.percentage`));
  const specs: ChartSpec[] = [];
  if (parts.length > 1 && has.has("cpu.idle.percentage")) {
    specs.push({ id: "cpu_parts", group: "processor", title: "host.chart_cpu_parts", unit: "percent", stacked: true, shares: true, lines: [...parts, "idle"].map((part) => ({ label: `host.line_${part}`, metric: `cpu.${part}.percentage` })) });
  }
  const memory = MEMORY_PARTS.filter((part) => has.has(`memory.${part}`));
  if (memory.length > 1) {
    specs.push({ id: "memory_parts", group: "memory", title: "host.chart_memory_parts", unit: "bytes", most: known.memTotal, lines: memory.map((part) => ({ label: `host.line_${part}`, metric: `memory.${part}` })) });
  }
  const systems = matching(/^filesystem\.([^.]+)\.used$/).filter((device) => has.has(`filesystem.${device}.size`));
  specs.push(...split("space", "disks", "percent", systems.map((device) => name(known.mounts?.get(device) ?? device, `filesystem.${device}.used`, `filesystem.${device}.size`)), { most: 100 }));
  const disks = matching(/^disk\.([^.]+)\.(?:reads|writes)\.delta$/);
  for (const way of ["reads", "writes"]) {
    specs.push(...split(`disk_${way}`, "disks", "ops_per_s", disks.filter((disk) => has.has(`disk.${disk}.${way}.delta`)).map((disk) => name(disk, `disk.${disk}.${way}.delta`))));
  }
  const cards = matching(/^interface\.([^.]+)\.[rt]xBytes\.delta$/);
  for (const way of ["rx", "tx"]) {
    specs.push(...split(`interface_${way}`, "network", "bytes_per_s", cards.filter((card) => has.has(`interface.${card}.${way}Bytes.delta`)).map((card) => name(card, `interface.${card}.${way}Bytes.delta`))));
  }
  specs.push(...split("temperature", "sensors", "celsius", matching(/^temperature\/(.*)$/).map((sensor) => name(sensor, `temperature/${sensor}`))));
  const probes = matching(/^probe\/(\d+)\/delay_ms$/).filter((id) => known.probes?.has(Number(id)) ?? true);
  specs.push(...split("delay", "probes", "ms", probes.map((id) => name(known.probes?.get(Number(id)) ?? `#${id}`, `probe/${id}/delay_ms`))));
  specs.push(...ownCharts(names, known.units));
  return specs;
}

/** Whether a name is one of a host's own: none that every host has, of a sensor, a probe or a guest. */
export function isOwn(name: string): boolean {
  return !STOCK.some((pattern) => pattern.test(name)) && !/^(temperature|probe)\//.test(name) && !/^guest\.\d+\./.test(name);
}

/** Names of its own, those that belong together on one chart: they differ behind the last dot. */
function ownCharts(names: readonly string[], units: Known["units"]): ChartSpec[] {
  const groups = new Map<string, { stem: string; unit: Unit; all: string[] }>();
  for (const name of names.filter(isOwn).toSorted(byName)) {
    const dot = name.lastIndexOf(".");
    const stem = dot > 0 ? name.slice(0, dot) : name;
    const unit = units?.get(name) ?? "number";
    const group = groups.get(`${unit} ${stem}`) ?? { stem, unit, all: [] };
    group.all.push(name);
    groups.set(`${unit} ${stem}`, group);
  }
  return [...groups].flatMap(([key, { stem, unit, all }]) =>
    chunksOf(all).map((some, at): ChartSpec => ({
      id: `own:${key}:${at}`, group: "own", title: all.length === 1 ? (all[0] ?? stem) : stem, isName: true, unit,
      lines: some.map((name) => ({ label: name === stem ? name : name.slice(stem.length + 1), isName: true, metric: name })),
    })),
  );
}

function split(id: string, group: Group, unit: Unit, lines: LineSpec[], more: Partial<ChartSpec> = {}): ChartSpec[] {
  return chunksOf(lines).map((some, at) => ({ id: at === 0 ? id : `${id}:${at}`, group, title: `host.chart_${id}`, unit, lines: distinct(some), ...more }));
}

/** Two mounts or probes may have one name; a legend tells them apart. */
function distinct(lines: LineSpec[]): LineSpec[] {
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const count = (seen.get(line.label) ?? 0) + 1;
    seen.set(line.label, count);
    return count === 1 ? line : { ...line, label: `${line.label} (${count})` };
  });
}

function chunksOf<T>(all: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < all.length; at += MOST_LINES) parts.push(all.slice(at, at + MOST_LINES));
  return parts;
}

function byName(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

/** The metrics that charts are drawn from, each once. */
export function metricsOf(specs: readonly ChartSpec[]): string[] {
  return [...new Set(specs.flatMap((spec) => spec.lines.flatMap((line) => (line.over === undefined ? [line.metric] : [line.metric, line.over]))))];
}

/** How many questions that takes. */
export function questionsFor(metrics: readonly string[]): number {
  return Math.ceil(metrics.length / METRICS_AT_ONCE);
}

/** A chart with its points. */
export interface Drawn {
  lines: { label: string; isName?: boolean; stats: Stats }[];
  columns: Columns;
  stepS: number;
}

/** The points of a chart; undefined where there is nothing to draw. */
export function draw(spec: ChartSpec, parts: ReadonlyMap<string, SeriesPart>, show: Show): Drawn | undefined {
  const found: { line: LineSpec; points: Line; stats: Stats; stepS: number }[] = [];
  const total = spec.shares ? sumOf(spec.lines.flatMap((line) => parts.get(line.metric) ?? [])) : undefined;
  for (const line of spec.lines) {
    const part = parts.get(line.metric);
    if (!part || !hasData(part)) continue;
    if (total) {
      // What is idle is what is left of the whole.
      if (line.metric === "cpu.idle.percentage") continue;
      const points = shareOf(lineOf(part, "average"), total);
      found.push({ line, points, stats: statsOf(points.values), stepS: part.step_s });
    } else if (line.over !== undefined) {
      const whole = parts.get(line.over);
      if (!whole || !hasData(whole)) continue;
      const points = shareOf(lineOf(part, show), lineOf(whole, "average"));
      found.push({ line, points, stats: statsOf(points.values), stepS: part.step_s });
    } else {
      found.push({ line, points: lineOf(part, show), stats: statsOfSeries(part), stepS: part.step_s });
    }
  }
  if (found.length === 0) return undefined;
  return {
    lines: found.map(({ line, stats }) => ({ label: line.label, isName: line.isName, stats })),
    columns: join(found.map(({ points }) => points)),
    stepS: Math.max(...found.map(({ stepS }) => stepS)),
  };
}

/** The sum of lines at each time that all of them have. */
function sumOf(parts: readonly SeriesPart[]): Line {
  const sums = new Map<number, number | null>();
  for (const part of parts) {
    const line = lineOf(part, "average");
    line.at.forEach((at, index) => {
      const value = line.values[index] ?? null;
      const before = sums.get(at);
      sums.set(at, value === null ? (before ?? null) : (before ?? 0) + value);
    });
  }
  return { at: [...sums.keys()], values: [...sums.values()] };
}

/** A line in percent of another one. */
function shareOf(part: Line, whole: Line): Line {
  const wholes = new Map(whole.at.map((at, index) => [at, whole.values[index] ?? null]));
  const values = part.values.map((value, index) => {
    const all = wholes.get(part.at[index] ?? Number.NaN);
    return value === null || all === null || all === undefined || all <= 0 ? null : (100 * value) / all;
  });
  return { at: part.at, values };
}
