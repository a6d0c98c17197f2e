// The axis of time: where its marks stand, and what they say in the viewer's own zone.

import { locale } from "../app/i18n.ts";

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** Distances of marks that people count in; those of a day and more follow the calendar. */
const STEPS_S = [10, 30, MINUTE_S, 2 * MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 15 * MINUTE_S, 30 * MINUTE_S, HOUR_S, 2 * HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S];
const STEPS_DAYS = [1, 2, 7, 14];
const STEPS_MONTHS = [1, 2, 3, 6, 12, 24];

export interface TimeMarks {
  at: number[];
  /** What the marks are apart, seconds; months count as thirty days. */
  stepS: number;
}

/** At most so many marks between two times, at round times of the viewer's zone. */
export function timeMarks(fromS: number, toS: number, most: number): TimeMarks {
  const spanS = toS - fromS;
  const wanted = spanS / Math.max(1, most);
  const fine = STEPS_S.find((step) => step >= wanted);
  if (fine !== undefined) return { at: fineMarks(fromS, toS, fine), stepS: fine };
  const days = STEPS_DAYS.find((step) => step * DAY_S >= wanted);
  if (days !== undefined) return { at: calendar(fromS, toS, (start, index) => new Date(start.getFullYear(), start.getMonth(), start.getDate() + index * days)), stepS: days * DAY_S };
  const months = STEPS_MONTHS.find((step) => step * 30 * DAY_S >= wanted) ?? 60;
  return {
    at: calendar(fromS, toS, (start, index) => new Date(start.getFullYear(), Math.floor(start.getMonth() / months) * months + index * months, 1)),
    stepS: months * 30 * DAY_S,
  };
}

/** Counted from midnight here, so that a mark every six hours stands at six o'clock; a day with a change of the clock keeps its hours. */
function fineMarks(fromS: number, toS: number, step: number): number[] {
  const all: number[] = [];
  const day = new Date(fromS * 1000);
  day.setHours(0, 0, 0, 0);
  while (day.getTime() / 1000 <= toS) {
    const start = day.getTime() / 1000;
    day.setDate(day.getDate() + 1);
    const end = day.getTime() / 1000;
    for (let at = start + Math.max(0, Math.ceil((fromS - start) / step)) * step; at < end && at <= toS; at += step) all.push(at);
  }
  return all;
}

function calendar(fromS: number, toS: number, next: (start: Date, index: number) => Date): number[] {
  const start = new Date(fromS * 1000);
  const all: number[] = [];
  for (let index = 0; index < 400; index += 1) {
    const at = next(start, index).getTime() / 1000;
    if (at > toS) break;
    if (at >= fromS) all.push(at);
  }
  return all;
}

/** What a mark says: the time, the date where a day begins, the month, the year. */
export function writeMark(atS: number, stepS: number): string {
  const date = new Date(atS * 1000);
  if (stepS >= 28 * DAY_S) return date.getMonth() === 0 ? words({ year: "numeric" }, date) : words({ month: "short" }, date);
  if (stepS >= DAY_S || (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0)) return words({ month: "short", day: "numeric" }, date);
  return words(stepS < MINUTE_S ? { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false } : { hour: "2-digit", minute: "2-digit", hour12: false }, date);
}

/** The time under the crosshair, as finely as the points are apart. */
export function writeMoment(atS: number, stepS: number): string {
  const date = new Date(atS * 1000);
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hour12: false, ...(stepS < MINUTE_S ? { second: "2-digit" } : {}) };
  const day: Intl.DateTimeFormatOptions = { month: "short", day: "numeric" };
  const now = new Date();
  if (date.getFullYear() !== now.getFullYear()) return words({ ...day, year: "numeric", ...(stepS < DAY_S ? time : {}) }, date);
  return date.toDateString() === now.toDateString() ? words(time, date) : words({ ...day, ...time }, date);
}

const made = new Map<string, Intl.DateTimeFormat>();

function words(options: Intl.DateTimeFormatOptions, date: Date): string {
  const key = `${locale()} ${JSON.stringify(options)}`;
  let format = made.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale(), options);
    made.set(key, format);
  }
  return format.format(date);
}
