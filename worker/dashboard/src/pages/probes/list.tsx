// The list of probes: how each fares now and fared in thirty days.

import { useState } from "preact/hooks";

import { get } from "../../app/api.ts";
import { date, number } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { session } from "../../app/session.ts";
import { serverNowMs } from "../../live/store.ts";
import { Badge, Card, Empty, ErrorNote, LinkButton, PageHeader, Spinner, Status, TextInput, type Tone } from "../../ui/index.ts";
import { DayBars, percentOf } from "./bars.tsx";
import { byState, certificate, uptime, type State, type Summary, type SummaryReply } from "./probe.ts";

export const PROBES = "/api/edgewatch/v1/probes";
/** The server's answer is at most a minute old. */
export const EVERY_S = 30;
const TONES: Record<State, Tone> = { good: "ok", low: "warn", down: "bad", no_data: "neutral" };

export const loadSummary = (signal: AbortSignal): Promise<SummaryReply> => get<SummaryReply>(`${PROBES}/summary`, undefined, signal);

export function ProbeState({ state }: { state: State }) {
  return <Status tone={TONES[state]}>{t(`probes.state.${state}`)}</Status>;
}

/** A delay in milliseconds, or a dash. */
export function delayWords(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "–" : `${number(ms, ms < 10 ? 1 : 0)} ms`;
}

/** When a certificate ends. */
export function Certificate({ expiresS, long }: { expiresS: number | null; long?: boolean }) {
  if (expiresS === null) return <span class="muted">–</span>;
  const { days, tone } = certificate(expiresS, serverNowMs() / 1000);
  const left = days < 0 ? t("probes.certificate_over") : t("probes.certificate_days", { count: days });
  return <span class="probe-certificate" title={date(expiresS)}>{tone === "ok" ? left : <Badge tone={tone}>{left}</Badge>}{long && <span class="muted">{date(expiresS)}</span>}</span>;
}

export function ProbeList() {
  const [filter, setFilter] = useState("");
  const list = useLoad("probes", loadSummary, { everyS: EVERY_S });
  const all = list.data?.probes ?? [];
  const wanted = filter.trim().toLowerCase();
  const shown = all.filter((probe) => wanted === "" || `${probe.name} ${probe.target ?? ""} ${probe.kind}`.toLowerCase().includes(wanted)).sort(byState);
  const isAdmin = session.value?.isAdmin ?? false;
  const make = isAdmin && <LinkButton kind="primary" href="/ui/probes/new">{t("probes.new")}</LinkButton>;
  return (
    <>
      <PageHeader title={t("probes.title")} actions={make} />
      {all.length > 6 && <div class="probe-filter"><TextInput type="search" value={filter} onInput={setFilter} placeholder={t("probes.filter")} aria-label={t("probes.filter")} /></div>}
      <ErrorNote error={list.error} retry={list.again} />
      <Card flush>
        {list.data === undefined && !list.error && <Spinner />}
        {list.data !== undefined && all.length === 0 && <Empty title={t("probes.empty_title")} action={make}>{t("probes.empty")}</Empty>}
        {all.length > 0 && shown.length === 0 && <Empty title={t("probes.none_match")} />}
        {shown.length > 0 && (
          <ul class="probe-list">
            <li class="probe-row probe-heads" aria-hidden="true">
              <span>{t("probes.col_state")}</span><span>{t("probes.col_name")}</span><span class="number">{t("probes.col_delay")}</span>
              <span>{t("probes.col_days")}</span><span class="number">{t("probes.col_uptime")}</span><span>{t("probes.col_certificate")}</span>
            </li>
            {shown.map((probe) => <Row key={probe.id} probe={probe} today={list.data?.today ?? 0} />)}
          </ul>
        )}
      </Card>
    </>
  );
}

function Row({ probe, today }: { probe: Summary; today: number }) {
  const up = uptime(probe.days);
  return (
    <li class="probe-row">
      <ProbeState state={probe.state} />
      <div class="probe-main">
        <a class="probe-name" href={`/ui/probes/${probe.id}`}>{probe.name}</a>
        <p class="probe-target"><span class="probe-kind">{t(`probes.kind.${probe.kind}`)}</span> {probe.target}</p>
      </div>
      <span class="probe-delay number"><span class="unseen">{t("probes.col_delay")} </span>{delayWords(probe.delay_ms)}</span>
      <DayBars days={probe.days} today={today} />
      <span class="probe-up number" aria-hidden="true">{up === null ? "–" : percentOf(up)}</span>
      <span class="probe-end"><span class="unseen">{t("probes.col_certificate")} </span><Certificate expiresS={probe.tls_expires_s} /></span>
    </li>
  );
}
