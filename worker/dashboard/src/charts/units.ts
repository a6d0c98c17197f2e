// What the values of a chart are, how they are written, and where its axis has lines.

import * as format from "../app/format.ts";

export type Unit = "percent" | "bytes" | "bytes_per_s" | "ops_per_s" | "ms" | "celsius" | "load" | "count" | "seconds" | "number";

/** A value with its unit. */
export function write(unit: Unit, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return format.UNKNOWN;
  switch (unit) {
    case "percent":
      return format.percent(value);
    case "bytes":
      return format.bytes(value);
    case "bytes_per_s":
      return format.bytesPerS(value);
    case "ops_per_s":
      return `${short(value)}/s`;
    case "ms":
      return milliseconds(value);
    case "celsius":
      return `${format.number(value, Math.abs(value) < 100 ? 1 : 0)} °C`;
    case "load":
      return format.number(value, 2);
    case "count":
      return format.number(value, value < 10 && !Number.isInteger(value) ? 1 : 0);
    case "seconds":
      return format.duration(value);
    case "number":
      return short(value);
  }
}

/** A mark of an axis: shorter than a value, since it is a round one. */
export function writeMark(unit: Unit, value: number): string {
  switch (unit) {
    case "percent":
      return `${format.number(value)} %`;
    case "celsius":
      return `${format.number(value)} °C`;
    case "load":
    case "count":
    case "number":
      return short(value);
    case "bytes":
      return round(format.bytes(value));
    case "bytes_per_s":
      return round(format.bytesPerS(value));
    case "ms":
      return value >= 10_000 ? `${format.number(value / 1000)} s` : `${format.number(value)} ms`;
    default:
      return write(unit, value);
  }
}

/** `4.0 GiB` is `4 GiB` on an axis. */
function round(text: string): string {
  return text.replace(/[.,]0(?=\D)/, "");
}

function milliseconds(value: number): string {
  if (value >= 10_000) return `${format.number(value / 1000, 1)} s`;
  return `${format.number(value, value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

/** Three digits or so, thousands as a letter. */
function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e12) return value.toExponential(2);
  for (const [least, letter] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]] as const) {
    if (size >= least) return `${format.number(value / (least === 1e4 ? 1e3 : least), size / (least === 1e4 ? 1e3 : least) < 100 ? 1 : 0)}${letter}`;
  }
  if (size >= 100 || Number.isInteger(value)) return format.number(value, 0);
  if (size >= 0.01 || size === 0) return format.number(Number(value.toPrecision(3)));
  return value.toExponential(1);
}

/** An axis is divided into so many parts at most. */
const MOST_STEPS = 5;

/** The upper end of an axis that shows values up to `largest`, and the distance of its marks, which stand at round values. */
export function scaleTo(unit: Unit, largest: number, most?: number): { top: number; step: number } {
  const base = unit === "bytes" || unit === "bytes_per_s" ? 1024 : 1000;
  const least: Partial<Record<Unit, number>> = { percent: 4, load: 0.1, count: 4, bytes: 1024, bytes_per_s: 1024, ops_per_s: 1, ms: 1, celsius: 10 };
  const wanted = Math.max(largest, least[unit] ?? Number.MIN_VALUE);
  // What cannot be more than a whole is shown as a part of it, with marks at round values all the same.
  if (most !== undefined && most > 0 && wanted <= most * 1.02) return { top: Math.max(most, largest), step: scaleTo(unit, most).step };
  const power = base ** Math.floor(Math.log(wanted / MOST_STEPS) / Math.log(base));
  const steps = base === 1024 ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 2.5, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000];
  const part = steps.find((one) => one * power * MOST_STEPS >= wanted * (1 - 1e-9)) ?? base;
  const step = part * power;
  return { top: Math.max(wanted, step * Math.ceil(wanted / step - 1e-9)), step };
}

/** The marks of an axis from `low` up. */
export function marks(low: number, top: number, step: number): number[] {
  const all: number[] = [];
  // Rounding up what is just below nothing gives a zero with a sign.
  for (let at = Math.ceil(low / step - 1e-9) || 0; at * step <= top * (1 + 1e-9); at += 1) all.push(at * step);
  return all;
}
