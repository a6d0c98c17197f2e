// Thirty days as bars: how much of each was good. Who does not see them hears the sum.

import { date, number } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { dayAt, toneOfDay, uptime, type Day } from "./probe.ts";

export function DayBars({ days, today, large }: { days: readonly Day[]; today: number; large?: boolean }) {
  const up = uptime(days);
  const label = up === null ? t("probes.days_none", { count: days.length }) : t("probes.days_label", { count: days.length, percent: percentOf(up) });
  return (
    <span class={large ? "probe-bars probe-bars-large" : "probe-bars"} role="img" aria-label={label}>
      {days.map((day, at) => <span key={at} class={`probe-bar probe-bar-${toneOfDay(day)}`} title={titleOf(day, dayAt(today, days.length, at))} />)}
    </span>
  );
}

function titleOf(day: Day, atS: number): string {
  if (day.up_percent === null) return `${date(atS)}: ${t("probes.no_results")}`;
  return `${date(atS)}: ${percentOf(day.up_percent)}, ${t("probes.results", { count: day.results })}`;
}

/** Availability with the digits that matter: 100 %, 99.98 %. */
export function percentOf(up: number): string {
  return up === 100 ? `${number(100, 0)} %` : `${number(up, up >= 99 ? 2 : 1)} %`;
}
