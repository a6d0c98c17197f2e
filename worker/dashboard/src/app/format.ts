// Numbers and times in words, in the chosen language and the viewer's own time zone. What is not known is a dash.

import { language, locale, t } from "./i18n.ts";

export const UNKNOWN = "–";
type Maybe = number | null | undefined;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

/** A count of bytes with three digits at most: `1.4 GiB`. */
export function bytes(count: Maybe): string {
  if (!isKnown(count)) return UNKNOWN;
  let unit = 0;
  let value = count;
  while (Math.abs(value) >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number(value, unit === 0 || Math.abs(value) >= 99.95 ? 0 : 1)} ${UNITS[unit]}`;
}

/** Bytes per second. */
export function bytesPerS(count: Maybe): string {
  return isKnown(count) ? `${bytes(count)}/s` : UNKNOWN;
}

/** A share, 0 to 100: one digit behind the point below ten. */
export function percent(share: Maybe): string {
  if (!isKnown(share)) return UNKNOWN;
  return `${number(share, Math.abs(share) < 9.95 && share !== 0 ? 1 : 0)} %`;
}

/** A number with at most so many digits behind the point; exactly so many where they are given. */
export function number(value: Maybe, digits?: number): string {
  if (!isKnown(value)) return UNKNOWN;
  const key = `${locale()} ${digits ?? "any"}`;
  const format = numbers(key, digits === undefined ? { maximumFractionDigits: 2 } : { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return format.format(value);
}

/** A length of time by its two largest units: `3 d 4 h`. */
export function duration(seconds: Maybe): string {
  if (!isKnown(seconds) || seconds < 0) return UNKNOWN;
  const whole = Math.floor(seconds);
  const parts: [string, number][] = [
    ["d", Math.floor(whole / 86_400)],
    ["h", Math.floor(whole / 3_600) % 24],
    ["min", Math.floor(whole / 60) % 60],
    ["s", whole % 60],
  ];
  const first = parts.findIndex(([, count]) => count > 0);
  if (first === -1) return part("s", 0);
  return parts.slice(first, first + 2).filter(([, count]) => count > 0).map(([unit, count]) => part(unit, count)).join(" ");
}

/** How long ago a time of the server was; `nowMs` is the server's clock. */
export function ago(unixS: Maybe, nowMs: number = Date.now()): string {
  if (!isKnown(unixS)) return t("common.never");
  const seconds = nowMs / 1000 - unixS;
  if (seconds < 20) return t("common.now");
  // One unit is enough, and stands still longer.
  return t("common.ago", { time: duration(seconds).split(" ").slice(0, 2).join(" ") });
}

/** Date and time, to the second. */
export function dateTime(unixS: Maybe): string {
  if (!isKnown(unixS)) return UNKNOWN;
  return dates("time", { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(unixS * 1000);
}

/** The date alone. */
export function date(unixS: Maybe): string {
  if (!isKnown(unixS)) return UNKNOWN;
  return dates("date", { year: "numeric", month: "short", day: "numeric" }).format(unixS * 1000);
}

/** A share of a whole, 0 to 100; undefined where either is not known or there is no whole. */
export function share(used: Maybe, total: Maybe): number | undefined {
  return isKnown(used) && isKnown(total) && total > 0 ? Math.min(100, (100 * used) / total) : undefined;
}

function part(unit: string, count: number): string {
  return language.value === "zh" ? `${count} ${t(`common.unit_${unit}`)}` : `${count} ${unit}`;
}

function isKnown(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

// Making one takes longer than using it a hundred times.
function numbers(key: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const known = made.get(key) as Intl.NumberFormat | undefined;
  const format = known ?? new Intl.NumberFormat(locale(), options);
  if (!known) made.set(key, format);
  return format;
}

function dates(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${kind}`;
  const known = made.get(key) as Intl.DateTimeFormat | undefined;
  const format = known ?? new Intl.DateTimeFormat(locale(), options);
  if (!known) made.set(key, format);
  return format;
}
