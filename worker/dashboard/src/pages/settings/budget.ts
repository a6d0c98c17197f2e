// The budget in words and bars: how far a meter is, how bad that is, and what pacing does about it. Pure.

import type { Levers, Meter, Ring, Usage } from "./wire.ts";

export type Mood = "ok" | "warn" | "bad";

/** Above this share at the day's end a meter is worth a look; above 1 it does not last. */
const TIGHT = 0.8;
/** What agents are asked for when nothing is tight. Source: worker/core/src/domain/budget/levers.rs. */
const FREE_FRAME_S = 60;

/** How a meter stands: what is refused or will not last is bad where it is a wall, and a warning where it costs money. */
export function moodOf(meter: Meter): Mood {
  const ahead = Math.max(meter.share ?? 0, meter.share_at_day_end ?? 0);
  if (meter.refused) return "bad";
  if (ahead > 1) return meter.is_wall ? "bad" : "warn";
  return ahead > TIGHT && meter.is_wall ? "warn" : "ok";
}

/** Whether a meter counts what is held and not what a day takes. */
export const isLevel = (meter: Meter): boolean => meter.unit === "bytes";

/** The worst of the meters that have an allowance, by the day's end; `undefined` where nothing is metered. */
export function tightest(meters: readonly Meter[]): Meter | undefined {
  const ahead = (meter: Meter): number => meter.share_at_day_end ?? meter.share ?? 0;
  const metered = meters.filter((meter) => meter.allowance !== null);
  return metered.reduce<Meter | undefined>((worst, meter) => (worst && ahead(worst) >= ahead(meter) ? worst : meter), undefined);
}

/** The mood of the whole page. */
export function moodOfAll(usage: Usage): Mood {
  const moods = usage.meters.map(moodOf);
  if (usage.hold_until_s !== null || moods.includes("bad")) return "bad";
  return moods.includes("warn") || isPaced(usage.levers) ? "warn" : "ok";
}

/** Whether agents are asked to report more rarely than they would. */
export const isPaced = (levers: Levers): boolean => levers.frame_s > FREE_FRAME_S;

/** A share as whole percent; small ones are not called 0. */
export function percentText(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return "–";
  const percent = share * 100;
  if (percent > 0 && percent < 1) return "< 1 %";
  return `${Math.round(percent)} %`;
}

/** Where a bar ends and where its mark of the day's end stands, in percent of its width: bars of what is too much are full. */
export function barOf(meter: Meter): { used: number; end: number | null } {
  const clamp = (share: number): number => Math.max(0, Math.min(100, share * 100));
  const end = meter.share_at_day_end;
  return { used: clamp(meter.share ?? 0), end: end === null || isLevel(meter) ? null : clamp(end) };
}

/** How much of the UTC day is over, 0 to 1. */
export function dayOver(usage: Usage): number {
  return Math.max(0, Math.min(1, 1 - (usage.day_ends_s - usage.now_s) / 86_400));
}

/** How a tier of history stands: as asked for, cut to what fits, or on the move. */
export function ringState(ring: Ring): "whole" | "cut" | "changing" {
  if (ring.changing) return "changing";
  return ring.blocks < ring.wanted_blocks ? "cut" : "whole";
}

/** Hours as the largest unit that says them well: `{count: 8, unit: "days"}`. */
export function spanOf(hours: number): { count: number; unit: "hours" | "days" | "years" } {
  if (hours < 48) return { count: Math.round(hours), unit: "hours" };
  const days = hours / 24;
  if (days < 700) return { count: Math.round(days), unit: "days" };
  return { count: Math.round(days / 36.525) / 10, unit: "years" };
}
