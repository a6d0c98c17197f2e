// One probe: how it fares, thirty days, and the delays that each host measured.

import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";

import { ApiError, asApiError, get, send } from "../../app/api.ts";
import { number } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { location, navigate, setQuery } from "../../app/router.ts";
import { session } from "../../app/session.ts";
import { hosts, isKnown, serverNowMs } from "../../live/store.ts";
import { Badge, Button, Card, Empty, ErrorNote, Facts, LinkButton, PageHeader, Spinner, Table, Tabs, TextInput, compareTexts, confirm, describe, toast } from "../../ui/index.ts";
import { hostName } from "../rules/api.ts";
import { DayBars, percentOf } from "./bars.tsx";
import { DelayChart } from "./chart.tsx";
import { Certificate, delayWords, EVERY_S, loadSummary, ProbeState, PROBES } from "./list.tsx";
import { covers, linesOf, uptime, type Line, type Probe, type Summary } from "./probe.ts";

const RANGES: ReadonlyMap<string, number> = new Map([["6h", 21_600], ["24h", 86_400], ["7d", 604_800], ["30d", 2_592_000]]);
/** As many as the server tells of at once. */
const MOST_HOSTS = 20;
const TONES = 6;

export function ProbeDetail({ id }: { id: string }) {
  const probe = useLoad(`probe.${id}`, (signal) => get<Probe>(`${PROBES}/${encodeURIComponent(id)}`, undefined, signal));
  const summary = useLoad("probes", loadSummary, { everyS: EVERY_S });
  const fared = summary.data?.probes.find((one) => String(one.id) === id);
  if (probe.error && probe.data === undefined) {
    return (
      <>
        <PageHeader title={t("probes.title")} />
        {probe.error.status === 404 ? <Card><Empty title={t("probes.not_found")} action={<LinkButton href="/ui/probes">{t("probes.back")}</LinkButton>} /></Card> : <ErrorNote error={probe.error} retry={probe.again} />}
      </>
    );
  }
  if (probe.data === undefined) return <Spinner />;
  return <Known probe={probe.data} fared={fared} today={summary.data?.today ?? 0} />;
}

function Known({ probe, fared, today }: { probe: Probe; fared: Summary | undefined; today: number }) {
  const isAdmin = session.value?.isAdmin ?? false;
  const remove = async (): Promise<void> => {
    if (!(await confirm(t("probes.delete_sure", { name: probe.name }), { action: t("common.delete"), danger: true }))) return;
    try {
      await send("DELETE", `${PROBES}/${probe.id}`);
      toast(t("probes.deleted", { name: probe.name }), "ok");
      navigate("/ui/probes");
    } catch (error) {
      toast(describe(asApiError(error)), "bad");
    }
  };
  const up = fared ? uptime(fared.days) : null;
  const facts: [string, ComponentChildren][] = [
    [t("probes.col_state"), fared ? <ProbeState state={fared.state} /> : "–"],
    [t("probes.col_delay"), delayWords(fared?.delay_ms)],
    [t("probes.col_uptime"), up === null ? "–" : percentOf(up)],
    [t("probes.interval"), t("probes.every_s", { count: probe.interval_s })],
    [t("probes.who_asks"), coverageWords(probe)],
  ];
  if (probe.kind === "http" || fared?.tls_expires_s) facts.push([t("probes.col_certificate"), <Certificate expiresS={fared?.tls_expires_s ?? null} long />]);
  return (
    <>
      <PageHeader
        title={probe.name}
        actions={
          <>
            <LinkButton href="/ui/probes">{t("probes.back")}</LinkButton>
            {isAdmin && <LinkButton href={`/ui/probes/${probe.id}?edit=1`}>{t("common.edit")}</LinkButton>}
            {isAdmin && <Button kind="danger" onClick={() => void remove()}>{t("common.delete")}</Button>}
          </>
        }
      >
        <p class="probe-target"><span class="probe-kind">{t(`probes.kind.${probe.kind}`)}</span> {probe.target}</p>
      </PageHeader>
      <Card>
        <div class="probe-facts"><Facts facts={facts} /></div>
        {fared && (
          <div class="probe-month">
            <DayBars days={fared.days} today={today} large />
            <p class="probe-month-ends muted" aria-hidden="true"><span>{t("probes.days_ago", { count: fared.days.length })}</span><span>{t("probes.today")}</span></p>
            {fared.edge && (
              <>
                <p class="probe-edge"><Badge>{t("probes.edge")}</Badge> <ProbeState state={fared.edge.state} /> <span class="muted">{delayWords(fared.edge.delay_ms)}</span></p>
                <DayBars days={fared.edge.days} today={today} />
              </>
            )}
          </div>
        )}
      </Card>
      <Delays probe={probe} fared={fared} />
      {fared?.notes && fared.notes.length > 0 && (
        <Card title={t("probes.notes")}>
          <ul class="probe-notes">
            {fared.notes.map((note, at) => <li key={at}><span class="muted">{note.host === 0 ? t("probes.edge") : hostName(note.host)}</span> <span>{note.text}</span></li>)}
          </ul>
        </Card>
      )}
    </>
  );
}

function coverageWords(probe: Probe): string {
  const all = [...hosts.value.values()].filter((host) => host.class === undefined);
  const asked = all.filter((host) => covers(probe.hosts, host.id)).length;
  const words = t("probes.hosts_ask", { count: asked });
  return probe.from_edge ? `${words} ${t("probes.and_edge")}` : words;
}

interface Row {
  line: Line;
  mean: number;
  most: number;
  newest: number | null;
  good: number | null;
}

function Delays({ probe, fared }: { probe: Probe; fared: Summary | undefined }) {
  const range = RANGES.has(location.value.query.get("range") ?? "") ? (location.value.query.get("range") as string) : "24h";
  const [filter, setFilter] = useState("");
  const covered = [...hosts.value.values()].filter((host) => host.class === undefined && covers(probe.hosts, host.id)).sort((one, other) => compareTexts(one.name, other.name));
  const wanted = filter.trim().toLowerCase();
  const asked = covered.filter((host) => host.name.toLowerCase().includes(wanted)).slice(0, MOST_HOSTS).map((host) => host.id);
  const span = RANGES.get(range) ?? 86_400;
  // Whether there is anything to ask for: of what no host has the server knows no series.
  const wasAsked = fared?.days.some((day) => day.results > 0) ?? false;
  const wasAnswered = fared?.days.some((day) => (day.up_percent ?? 0) > 0) ?? false;
  const loaded = useLoad(
    `probe.${probe.id}.${range}.${asked.join(",")}.${wasAsked}.${wasAnswered}`,
    async (signal) => {
      const to = Math.floor(serverNowMs() / 1000) + 1;
      const from = to - span;
      if (asked.length === 0 || !wasAsked) return { from, to, lines: [], good: new Map<number, number>() };
      const metric = (part: string) => `probe/${probe.id}/${part}`;
      try {
        const ask = (part: string) => get<Parameters<typeof linesOf>[0]>("/api/edgewatch/v1/series", { hosts: asked.join(","), metrics: metric(part), from, to, points: 240 }, signal);
        const up = await ask("up");
        const delays = wasAnswered ? await ask("delay_ms") : { series: [] };
        const good = new Map(linesOf(up).map((line) => [line.host, mean(line.values) * 100]));
        return { from, to, lines: linesOf(delays), good };
      } catch (error) {
        // None of these hosts has one yet.
        if (error instanceof ApiError && error.code === "invalid") return { from, to, lines: [], good: new Map<number, number>() };
        throw error;
      }
    },
    { everyS: 60 },
  );
  const data = loaded.data;
  const rows: Row[] = useMemo(
    () => (data?.lines ?? []).map((line) => ({ line, mean: mean(line.values), most: Math.max(...known(line.values)), newest: known(line.values).at(-1) ?? null, good: data?.good.get(line.host) ?? null })),
    [data],
  );
  const toneOf = new Map(rows.map((row, at) => [row.line.host, `probe-tone-${(at % TONES) + 1}${at >= TONES ? " probe-dashed" : ""}`]));
  const tabs = [...RANGES.keys()].map((id) => ({ id, label: t(`probes.range.${id}`) }));
  const silent = [...(data?.good.entries() ?? [])].filter(([host]) => !toneOf.has(host));
  return (
    <Card title={t("probes.delays")} actions={<Tabs label={t("probes.delays")} tabs={tabs} active={range} onChange={(id) => setQuery({ range: id === "24h" ? null : id })} />}>
      {covered.length > MOST_HOSTS && (
        <p class="probe-many">
          <TextInput type="search" value={filter} onInput={setFilter} placeholder={t("rules.pick_filter")} aria-label={t("rules.pick_filter")} />
          <span class="muted">{t("probes.some_of", { shown: asked.length, count: covered.length })}</span>
        </p>
      )}
      <ErrorNote error={loaded.error} retry={loaded.again} />
      {data === undefined && !loaded.error && <Spinner />}
      {data !== undefined && rows.length === 0 && silent.length === 0 && <Empty title={t("probes.no_delays")}>{isKnown.value && covered.length === 0 ? t("probes.nobody_asks") : t("probes.no_delays_hint")}</Empty>}
      {data !== undefined && rows.length > 0 && (
        <DelayChart
          lines={data.lines}
          fromS={data.from}
          toS={data.to}
          name={hostName}
          tone={(host) => toneOf.get(host) ?? ""}
          label={t("probes.chart_label", { name: probe.name })}
          limit={probe.notify.delay ? probe.notify.max_delay_ms : undefined}
        />
      )}
      {(rows.length > 0 || silent.length > 0) && (
        <div class="probe-table">
          <Table
            caption={t("probes.delays")}
            rowKey={(row) => row.line.host}
            rows={[...rows, ...silent.map(([host, good]) => ({ line: { host, at: [], values: [] }, mean: NaN, most: NaN, newest: null, good }))]}
            columns={[
              { key: "host", head: t("common.host"), isName: true, sort: (row) => hostName(row.line.host), cell: (row) => <span class="probe-host"><span class={`probe-swatch ${toneOf.get(row.line.host) ?? ""}`} /><a href={`/ui/hosts/${row.line.host}`}>{hostName(row.line.host)}</a></span> },
              { key: "newest", head: t("probes.newest"), align: "right", sort: (row) => row.newest, cell: (row) => delayWords(row.newest) },
              { key: "mean", head: t("probes.mean"), align: "right", sort: (row) => (Number.isNaN(row.mean) ? null : row.mean), cell: (row) => delayWords(Number.isNaN(row.mean) ? null : row.mean) },
              { key: "most", head: t("probes.most"), align: "right", wideOnly: true, sort: (row) => (Number.isNaN(row.most) ? null : row.most), cell: (row) => delayWords(Number.isNaN(row.most) ? null : row.most) },
              { key: "good", head: t("probes.answered"), align: "right", sort: (row) => row.good, cell: (row) => (row.good === null ? "–" : `${number(row.good, row.good === 100 ? 0 : 1)} %`) },
            ]}
          />
        </div>
      )}
    </Card>
  );
}

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

function mean(values: readonly (number | null)[]): number {
  const found = known(values);
  return found.reduce((sum, value) => sum + value, 0) / found.length;
}
