// Thirty days of a service, a bar a day. For those who do not see them: one sentence.

import { date, number } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { availability, type Day, dayMood, noonOf } from "./overall.ts";

/** Percent with as many digits as tell 99.9 from 100. */
function percentOf(share: number): string {
  return share === 100 || share < 90 ? number(share, 0) : number(Math.min(share, 99.99), 2);
}

export function Bars({ name, days, today }: { name: string; days: readonly Day[]; today: number }) {
  const all = availability(days);
  const label = all === null ? t("guest.bars_none", { name }) : t("guest.bars_label", { name, percent: percentOf(all) });
  return (
    <div class="guest-bars">
      <svg viewBox={`0 0 ${days.length * 6 - 2} 24`} preserveAspectRatio="none" role="img" aria-label={label}>
        {days.map((day, at) => {
          const on = date(noonOf(today - (days.length - 1 - at)));
          const mood = dayMood(day);
          return (
            <rect key={at} x={at * 6} y={0} width={4} height={24} rx={1} class={`guest-day-${mood}`}>
              <title>{mood === "none" ? t("guest.day_none", { date: on }) : t("guest.day", { date: on, percent: percentOf(day.up_percent ?? 0), results: day.results })}</title>
            </rect>
          );
        })}
      </svg>
      <p class="guest-bars-foot" aria-hidden="true">
        <span>{t("guest.days_ago")}</span>
        <span>{all === null ? "" : t("guest.probe_available", { percent: percentOf(all) })}</span>
        <span>{t("guest.today")}</span>
      </p>
    </div>
  );
}
