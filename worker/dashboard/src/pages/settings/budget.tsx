// What the deployment spends of its plan today, in bars and in words: `GET usage` as people read it.

import { get } from "../../app/api.ts";
import { bytes, dateTime, duration, number } from "../../app/format.ts";
import { locale } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { Badge, Card, ErrorNote, Facts, Spinner } from "../../ui/index.ts";
import { barOf, dayOver, isLevel, isPaced, moodOf, moodOfAll, percentText, ringState, tightest } from "./budget.ts";
import { Intro } from "./parts.tsx";
import type { Levers, Meter, Ring, Usage } from "./wire.ts";
import { s, sOr, spanWords } from "./words.ts";

const USAGE = "/api/edgewatch/v1/usage";
const AGAIN_S = 30;

export function Budget() {
  const { data, error, again } = useLoad<Usage>("usage", (signal) => get(USAGE, undefined, signal), { everyS: AGAIN_S });
  if (error && !data) return <ErrorNote error={error} retry={again} />;
  if (!data) return <Spinner />;
  const metered = data.meters.some((meter) => meter.allowance !== null);
  return (
    <div class="settings-stack">
      <Intro>{s("budget_about", { time: clock(data.day_ends_s) })}</Intro>
      <Verdict usage={data} />
      <Card title={s(metered ? "meters" : "meters_own")} flush>
        <ul class="settings-meters">{data.meters.map((meter) => <MeterRow key={meter.meter} meter={meter} />)}</ul>
      </Card>
      <div class="settings-columns">
        <Pacing levers={data.levers} />
        <History rings={data.rings} />
      </div>
    </div>
  );
}

const meterName = (meter: Meter): string => sOr(`meter_${meter.meter}`, meter.meter.replaceAll("_", " "));
const clock = (atS: number): string => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hour12: false }).format(atS * 1000);

/** The whole page in a sentence. */
function Verdict({ usage }: { usage: Usage }) {
  const mood = moodOfAll(usage);
  const over = dayOver(usage);
  const { plan } = usage;
  return (
    <section class={`settings-verdict ui-tone-${mood}`} role="status">
      <p class="settings-verdict-words"><span class="ui-dot" aria-hidden="true" />{sentence(usage)}</p>
      <Facts
        facts={[
          [s("budget_plan"), `${s(`plan_${plan}`)}${usage.account_percent < 100 ? ` · ${s("budget_share", { percent: usage.account_percent })}` : ""}`],
          [s("budget_day"), s("budget_day_over", { percent: percentText(over), time: duration(usage.day_ends_s - usage.now_s) })],
          [s("budget_messages_head"), s("budget_messages", { count: usage.messages_per_request })],
        ]}
      />
    </section>
  );
}

function sentence(usage: Usage): string {
  if (usage.hold_until_s !== null) return s("budget_hold", { time: dateTime(usage.hold_until_s) });
  const refused = usage.meters.find((meter) => meter.refused);
  if (refused) return s("budget_refused", { meter: meterName(refused) });
  const worst = tightest(usage.meters);
  if (!worst) return s("budget_own");
  const values = { meter: meterName(worst), share: percentText(worst.share_at_day_end ?? worst.share) };
  const mood = moodOf(worst);
  const ahead = worst.share_at_day_end ?? worst.share ?? 0;
  if (ahead > 1 && !worst.is_wall) return s("budget_bill", values);
  if (mood === "bad") return s("budget_bad", values);
  if (mood === "warn") return s("budget_warn", values);
  return s(isLevel(worst) ? "budget_ok_level" : "budget_ok", values);
}

function amount(meter: Meter, count: number): string {
  // The price list counts by thousands.
  if (meter.unit === "bytes") return bytes(count, "decimal");
  if (meter.unit === "ms") return count < 1000 ? `${number(count)} ms` : duration(count / 1000);
  return number(count);
}

function MeterRow({ meter }: { meter: Meter }) {
  const { used, end } = barOf(meter);
  const isMetered = meter.allowance !== null;
  return (
    <li class={`settings-meter settings-mood-${moodOf(meter)}`}>
      <span class="settings-meter-name">{meterName(meter)}{meter.refused && <> <Badge tone="bad">{s("meter_refused")}</Badge></>}</span>
      {isMetered && (
        <span
          class="settings-bar"
          role="meter"
          aria-label={s("meter_label", { meter: meterName(meter), share: percentText(meter.share) })}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(used)}
        >
          {end !== null && <span class="settings-bar-end" style={{ width: `${end}%` }} />}
          <span class="settings-bar-used" style={{ width: `${used}%` }} />
        </span>
      )}
      <span class="settings-meter-share number">{isMetered ? percentText(meter.share) : ""}</span>
      <span class="settings-meter-used">
        {isMetered ? s("meter_of", { used: amount(meter, meter.used), allowance: amount(meter, meter.allowance ?? 0) }) : amount(meter, meter.used)}
      </span>
      <span class="settings-meter-end muted" title={s(meter.is_wall ? "meter_wall" : "meter_bill")}>
        {isLevel(meter) ? s("meter_held") : isMetered ? s("meter_end", { share: percentText(meter.share_at_day_end) }) : ""}
      </span>
    </li>
  );
}

function Pacing({ levers }: { levers: Levers }) {
  const paced = isPaced(levers);
  return (
    <Card title={s("pacing")} actions={paced && <Badge tone="warn">{s("pacing_since", { time: dateTime(levers.changed_at_s) })}</Badge>}>
      <div class="ui-form">
        <p class="muted">{s(paced ? "pacing_paced" : "pacing_free")}</p>
        <ul class="settings-plain">
          <li>{s("pacing_frame", { time: duration(levers.frame_s) })}</li>
          <li>{s("pacing_post", { time: duration(levers.post_frame_s) })}</li>
          <li>{s("pacing_write", { time: duration(levers.write_s) })}</li>
          <li>{s("pacing_newest", { time: duration(levers.newest_s) })}</li>
          <li>{s("pacing_live", { count: levers.live_hosts })}</li>
        </ul>
      </div>
    </Card>
  );
}

function History({ rings }: { rings: readonly Ring[] }) {
  return (
    <Card title={s("history")}>
      <div class="ui-form">
        <p class="muted">{s("history_about")}</p>
        <ul class="settings-tiers">
          {rings.map((ring) => {
            const state = ringState(ring);
            return (
              <li key={ring.tier}>
                <span class="settings-tier-name">{s(`tier_${ring.tier}`)}</span>
                <span>{s("tier_kept", { span: spanWords(ring.kept_hours) })}</span>
                <span class="muted">{state === "whole" ? s("tier_whole") : <Badge tone="warn">{s(`tier_${state}`)}</Badge>}</span>
              </li>
            );
          })}
        </ul>
      </div>
    </Card>
  );
}
