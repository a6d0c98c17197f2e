// One host: what it is, how it is now, and all that was measured of it, over any time.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { t } from "../../app/i18n.ts";
import { type Board, makeBoard } from "../../charts/board.ts";
import { type Band, bands, tally } from "../../charts/gaps.ts";
import { bounds } from "../../charts/range.ts";
import { type SeriesPart, hasData, lacksMaximum } from "../../charts/series.ts";
import { BandLegend, Toolbar } from "../../charts/Toolbar.tsx";
import { hosts, isKnown, serverNowMs } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import { ErrorNote, Spinner } from "../../ui/feedback.tsx";
import { Empty, NotHere } from "../../ui/index.ts";
import { type History, type HostFull, type Inventory, namesOf, useEvents, useHistory, useHost, useInventory, useSamples } from "./data.ts";
import { Happenings } from "./Events.tsx";
import { Head } from "./Head.tsx";
import "./host.css";
import { Checks, Guests, Mounts, Packages, Probes, useProbes } from "./parts.tsx";
import { BUILT_IN, type ChartSpec, FIRST_OWN, type Group, type Known, builtInCharts, metricName, metricsOf, namedCharts, unitOf } from "./plan.ts";
import { Section } from "./Section.tsx";
import { withTail } from "./tail.ts";
import "./words.ts";

/** Between charts and the page's edges; two stand side by side where there is room. */
const WIDE_PX = 900;

export default function Page({ params }: { params: Record<string, string> }) {
  const id = Number(params.id);
  const now = hosts.value.get(id);
  const full = useHost(id);
  // What everybody may see comes over the socket; the rest of it may be refused.
  if (full.error?.status === 404 && !now && isKnown.value) return <NotHere title={t("host.not_here")} />;
  if (!now && !full.data) {
    if (full.error && isKnown.value) return <ErrorNote error={full.error} retry={full.again} />;
    return <Spinner />;
  }
  return <Shown key={id} id={id} now={now} full={full.data} />;
}

function Shown({ id, now, full }: { id: number; now: HostNow | undefined; full: HostFull | undefined }) {
  const board = useMemo(makeBoard, []);
  const inventory = useInventory(id);
  const probes = useProbes();
  const [withAll, setAll] = useState(false);
  const width = useChartWidth();
  const known = knownOf(now, full, probes.data, inventory.data);
  const specs = useMemo(() => [...builtInCharts(known), ...namedCharts(namesOf(inventory.data), known)], [inventory.data, JSON.stringify([known.memTotal, known.swapTotal, known.diskTotal]), full?.facts?.machine, probes.data]);
  const own = specs.filter((spec) => spec.group === "own");
  const asked = useMemo(() => {
    const some = withAll ? specs : specs.filter((spec) => spec.group !== "own" || metricsOf(own.slice(0, own.indexOf(spec) + 1)).length <= FIRST_OWN);
    return { specs: some, metrics: [...new Set([...BUILT_IN, ...metricsOf(some)])] };
  }, [specs, withAll]);
  const range = board.range.value;
  const history = useKept(useHistory(id, range, asked.metrics, width));
  const events = useKept(useEvents(id, bounds(range, serverNowMs() / 1000).fromS));
  const samples = useSamples(id);

  const data = history.data;
  const isMoving = range.kind !== "span";
  const parts = useMemo(() => (data === undefined ? new Map<string, SeriesPart>() : grown(data, isMoving ? samples.value : [])), [data, samples.value, isMoving]);
  const time = useMemo(() => timeOf(data, range, parts), [data, parts]);
  const gaps = useMemo(() => gapsOf(data, parts, events.data, now, time), [data, parts, events.data, now?.presence, time]);
  const show = board.show.value;
  const hasAny = [...parts.values()].some(hasData);
  const hasMore = own.length > asked.specs.filter((spec) => spec.group === "own").length;

  return (
    <div class="host-page">
      <Head id={id} now={now} full={full} />
      <Happenings id={id} events={events.data?.own} only="alerts" />
      <div class="host-bar">
        <Toolbar board={board} onlyAverages={lacksMaximum([...parts.values()])} />
        <BandLegend sums={tally(gaps, time.fromS, time.toS)} />
        {data?.complete === false && <p class="host-warning" role="status">{t("charts.incomplete")}</p>}
        {show === "maximum" && lacksMaximum([...parts.values()]) && <p class="host-warning" role="status">{t("charts.only_averages")}</p>}
        {history.error && <ErrorNote error={history.error} retry={history.again} />}
        {inventory.error && <ErrorNote error={inventory.error} retry={inventory.again} />}
      </div>
      {data === undefined && !history.error && <Spinner />}
      {data !== undefined && !hasAny && <NoData presence={now?.presence ?? full?.presence} />}
      {hasAny && GROUPS.map((group) => (
        <Section key={group} group={group} specs={asked.specs.filter((spec: ChartSpec) => spec.group === group)} parts={parts} show={show} board={board as Board} time={time} bands={gaps}>
          {group === "disks" && <Mounts systems={full?.facts?.machine?.file_systems} parts={parts} />}
          {group === "probes" && <Probes probes={probes.data} parts={parts} />}
          {group === "own" && hasMore && <button type="button" class="ui-button host-more" onClick={() => setAll(true)}>{t("host.all_own", { count: metricsOf(own).length })}</button>}
        </Section>
      ))}
      <Guests id={id} />
      {inventory.data?.checks && <Checks id={id} />}
      {inventory.data?.packages && <Packages id={id} />}
      <Happenings id={id} events={events.data?.own} only="events" />
    </div>
  );
}

const GROUPS: readonly Group[] = ["processor", "memory", "disks", "network", "sensors", "activity", "probes", "own"];

/** Nothing in this time, or nothing ever: two things, and what would change it. */
function NoData({ presence }: { presence: HostNow["presence"] | undefined }) {
  if (presence === "never") return <Empty title={t("host.waiting")}>{t("host.waiting_hint")}</Empty>;
  return <Empty title={t("host.nothing")}>{t("host.nothing_hint")}</Empty>;
}

function knownOf(now: HostNow | undefined, full: HostFull | undefined, probes: readonly { id: number; name: string }[] | undefined, inventory: Inventory | undefined): Known {
  const facts = full?.facts;
  return {
    memTotal: facts?.mem_total_bytes || now?.mem_total_bytes,
    swapTotal: facts?.swap_total_bytes || now?.swap_total_bytes,
    diskTotal: facts?.disk_total_bytes || now?.disk_total_bytes,
    mounts: new Map(facts?.machine?.file_systems?.map((system) => [metricName(system.device), system.mount])),
    units: new Map(inventory?.own.map((metric) => [metric.name, unitOf(metric.unit)])),
    probes: probes && new Map(probes.map((probe) => [probe.id, probe.name])),
  };
}

/** The history with what came over the socket since. */
function grown(data: History, samples: readonly HostNow[]): ReadonlyMap<string, SeriesPart> {
  if (samples.length === 0) return data.parts;
  return new Map([...data.parts].map(([metric, part]) => [metric, withTail(part, samples)]));
}

interface Time {
  fromS: number;
  toS: number;
}

/** The axis of time: as asked, and moved on by what came since. */
function timeOf(data: History | undefined, range: ReturnType<Board["range"]["peek"]>, parts: ReadonlyMap<string, SeriesPart>): Time {
  const asked = data ?? bounds(range, serverNowMs() / 1000);
  if (range.kind === "span" || data === undefined) return { fromS: asked.fromS, toS: asked.toS };
  const newest = Math.max(...[...parts.values()].map((part) => part.at_s.at(-1) ?? 0));
  const moved = Math.max(0, newest + 1 - data.toS);
  return { fromS: data.fromS + moved, toS: data.toS + moved };
}

function gapsOf(data: History | undefined, parts: ReadonlyMap<string, SeriesPart>, events: { own: Parameters<typeof bands>[0]["events"]; general: Parameters<typeof bands>[0]["events"] } | undefined, now: HostNow | undefined, time: Time): Band[] {
  if (!data || !events) return [];
  // What every report has says most of when there was one; others may be told once a minute.
  const uptime = parts.get("uptime_s");
  const measured = [uptime, parts.get("cpu_percent"), parts.get("mem_used_bytes"), ...parts.values()].find(hasData);
  return bands({
    ...time,
    nowS: serverNowMs() / 1000,
    complete: data.complete,
    measured: { at_s: measured?.at_s ?? [], step_s: measured?.step_s ?? 10, samples: measured?.samples ?? [], uptime: uptime === measured ? uptime?.average : undefined },
    events: [...events.own, ...events.general],
    presence: now?.presence,
    lastSeenS: now?.last_seen_s,
  });
}

/** What was loaded before stays while another time is loaded: charts do not blink. */
function useKept<T extends { data?: unknown }>(loaded: T): T {
  const kept = useRef<unknown>(undefined);
  if (loaded.data !== undefined) kept.current = loaded.data;
  return loaded.data === undefined && kept.current !== undefined ? { ...loaded, data: kept.current } : loaded;
}

/** How wide a chart is, in steps of 150 px: a window that is drawn larger asks again only now and then. */
function useChartWidth(): number {
  const of = (): number => {
    const whole = Math.min(document.documentElement.clientWidth, 1440);
    return Math.ceil((whole > WIDE_PX ? whole / 2 : whole) / 150) * 150;
  };
  const [width, setWidth] = useState(of);
  useEffect(() => {
    const resized = (): void => setWidth(of());
    window.addEventListener("resize", resized);
    return () => window.removeEventListener("resize", resized);
  }, []);
  return width;
}
