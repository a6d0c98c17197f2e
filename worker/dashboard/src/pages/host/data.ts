// What the page of a host asks for: the host itself, the names of what it measured, its history, and what happened to it.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { ApiError, get } from "../../app/api.ts";
import { type Loaded, useLoad } from "../../app/load.ts";
import type { EventPart } from "../../charts/gaps.ts";
import { type Range, bounds, everyS, pointsFor } from "../../charts/range.ts";
import { METRICS_AT_ONCE, type SeriesPart, type SeriesReply, chunks } from "../../charts/series.ts";
import { onSample, serverNowMs, showHosts } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import type { HostFull as HostKept } from "../host-edit/changes.ts";

const API = "/api/edgewatch/v1";

/** A host as administrators keep it. Source: worker/core/src/dialects/native/host.rs. */
export interface HostFull extends HostKept {
  addresses: { ipv4: string | null; ipv6: string | null };
  country_code: string;
  facts: HostFacts | null;
}

export interface HostFacts {
  platform: string;
  platform_version: string;
  kernel: string;
  arch: string;
  virtualization: string;
  cpu: string[];
  gpu: string[];
  mem_total_bytes: number;
  swap_total_bytes: number;
  disk_total_bytes: number;
  booted_at_s: number | null;
  machine?: {
    os?: string;
    kernel_version?: string;
    file_systems?: { device: string; mount: string; size_kib: number; used_kib: number }[];
    block_devices?: { name: string; model?: string; size?: string }[];
    interfaces?: { name: string; mac?: string; addresses?: string[] }[];
  };
}

/** A host and what is known of it; without the right to know more, what everybody is shown has to do. */
export function useHost(id: number): Loaded<HostFull> {
  return useLoad(`host ${id}`, (signal) => get<HostFull>(`${API}/hosts/${id}`, undefined, signal), { everyS: 300 });
}

/** What else there is of a host. Source: worker/core/src/dialects/native/host_metrics.rs. */
export interface Inventory {
  own: { name: string; unit: string | null }[];
  probes: number[];
  checks: boolean;
  packages: boolean;
}

/** What there is of a host beside the built-in metrics: what there is not need not be asked for. */
export function useInventory(id: number): Loaded<Inventory> {
  return useLoad(`inventory ${id}`, (signal) => get<Inventory>(`${API}/hosts/${id}/metrics`, undefined, signal), { everyS: 300 });
}

/** The keys of all that may be asked of its history beside the built-in metrics. */
export function namesOf(inventory: Inventory | undefined): string[] {
  return [...(inventory?.own ?? []).map((metric) => metric.name), ...(inventory?.probes ?? []).map((probe) => `probe/${probe}/delay_ms`)];
}

export interface History {
  fromS: number;
  toS: number;
  /** Whether every part of it answered. */
  complete: boolean;
  parts: ReadonlyMap<string, SeriesPart>;
}

/** The history of metrics of a host, asked for in as few questions as may be. */
export function useHistory(id: number, range: Range, metrics: readonly string[], widthPx: number): Loaded<History> {
  const nowS = serverNowMs() / 1000;
  const key = `${id} ${JSON.stringify(range)} ${widthPx} ${metrics.join("\n")}`;
  return useLoad(key, async (signal) => {
    const { fromS, toS } = bounds(range, serverNowMs() / 1000);
    const points = pointsFor(toS - fromS, widthPx);
    const replies = await Promise.all(chunks(metrics, METRICS_AT_ONCE).map((some) => ask(id, some, { fromS, toS, points }, signal)));
    const parts = new Map(replies.flatMap((reply) => reply.series.map((part) => [part.metric, part] as const)));
    return { fromS, toS, complete: replies.every((reply) => reply.complete), parts };
  }, { everyS: everyS(range, nowS) });
}

/** A name with a comma has a parameter of its own. */
function ask(id: number, metrics: readonly string[], time: { fromS: number; toS: number; points: number }, signal: AbortSignal): Promise<SeriesReply> {
  const query = new URLSearchParams({ hosts: String(id), from: String(time.fromS), to: String(time.toS), points: String(time.points) });
  for (const metric of metrics) query.append("metric", metric);
  return get<SeriesReply>(`${API}/series?${query}`, undefined, signal);
}

interface EventList {
  events: EventPart[];
  cursor: string | null;
}

/** What happened to a host, newest first, and what happened to nobody in particular since a time. */
export function useEvents(id: number, sinceS: number): Loaded<{ own: EventPart[]; general: EventPart[] }> {
  // Whole days, so that a range that moves on is one question.
  const since = Math.floor(sinceS / 86_400) * 86_400;
  return useLoad(`events ${id} ${since}`, async (signal) => {
    const [own, general] = await Promise.all([pages({ host: id }, since, signal), pages({}, since, signal)]);
    return {
      own: own.filter((event) => event.host_id === id),
      general: general.filter((event) => event.host_id === null && event.kind === "monitoring_impaired"),
    };
  }, { everyS: 60 });
}

/** Pages of events back to a time; a busy fleet's are cut off after some. */
async function pages(of: { host?: number }, sinceS: number, signal: AbortSignal): Promise<EventPart[]> {
  const all: EventPart[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 4; page += 1) {
    const list: EventList = await get<EventList>(`${API}/events`, { ...of, limit: page === 0 ? 200 : 500, cursor }, signal);
    all.push(...list.events);
    const last = list.events.at(-1);
    if (list.cursor === null || last === undefined || last.at_s < sinceS) break;
    cursor = list.cursor;
  }
  return all;
}

/** An alert. Source: worker/core/src/dialects/native/alert.rs. */
export interface AlertPart {
  key: string;
  source: string;
  source_id: number;
  host_id: number | null;
  opened_at_s: number;
  closed_at_s: number | null;
  text: string;
  detail: string;
  acknowledged_at_s: number | null;
}

/** What of a host is not as it should be. */
export function useAlerts(id: number): Loaded<AlertPart[]> {
  return useLoad(`alerts ${id}`, async (signal) => {
    const reply = await get<{ alerts: AlertPart[] }>(`${API}/alerts`, { state: "open", limit: 500 }, signal);
    return reply.alerts.filter((alert) => alert.host_id === id);
  }, { everyS: 30 });
}

/** What there may not be: of a host without it there is nothing, which is no fault. */
export async function maybe<T>(path: string, signal: AbortSignal): Promise<T | null> {
  try {
    return await get<T>(path, undefined, signal);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return null;
    throw error;
  }
}

export { API };

/** The newest samples of a host that is looked at: they come at once, and history need not be asked for them. */
export function useSamples(id: number): { value: readonly HostNow[] } {
  const samples = useSignal<readonly HostNow[]>([]);
  const newest = useRef(0);
  useEffect(() => {
    const unshow = showHosts([id]);
    const unhear = onSample((host) => {
      if (host.id !== id || host.sampled_at_ms === undefined || host.sampled_at_ms <= newest.current) return;
      newest.current = host.sampled_at_ms;
      // A quarter of an hour is more than is shown before history is asked for again.
      samples.value = [...samples.peek().slice(-100), host];
    });
    return () => {
      unshow();
      unhear();
    };
  }, [id]);
  return samples;
}
