// How a host is written: the cells of its row, and its card.

import type { ComponentChildren } from "preact";

import { ago, bytes, bytesPerS, duration, number, percent, share, UNKNOWN } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import type { HostNow } from "../../live/types.ts";
import { Badge, Meter } from "../../ui/feedback.tsx";
import { PresenceDot, presenceText } from "../../ui/presence.tsx";
import type { SortKey } from "./view.ts";

export interface Column {
  key: SortKey;
  /** The message that is its head. */
  head: string;
  cell: (host: HostNow, nowMs: number) => ComponentChildren;
  isNumber?: boolean;
}

/** The columns besides the name, from left to right. */
export const COLUMNS: readonly Column[] = [
  { key: "cpu", head: "fleet.cpu", cell: (host) => <Use label={t("fleet.cpu")} value={host.cpu_percent} /> },
  { key: "memory", head: "fleet.memory", cell: (host) => <Use label={t("fleet.memory")} value={share(host.mem_used_bytes, host.mem_total_bytes)} title={of(host.mem_used_bytes, host.mem_total_bytes)} /> },
  { key: "disk", head: "fleet.disk", cell: (host) => <Use label={t("fleet.disk")} value={share(host.disk_used_bytes, host.disk_total_bytes)} title={of(host.disk_used_bytes, host.disk_total_bytes)} /> },
  { key: "swap", head: "fleet.swap", cell: (host) => <Use label={t("fleet.swap")} value={share(host.swap_used_bytes, host.swap_total_bytes)} title={of(host.swap_used_bytes, host.swap_total_bytes)} /> },
  { key: "load", head: "fleet.load", isNumber: true, cell: (host) => number(host.load1, 2) },
  { key: "down", head: "fleet.down", isNumber: true, cell: (host) => bytesPerS(host.net_in_bytes_per_s) },
  { key: "up", head: "fleet.up", isNumber: true, cell: (host) => bytesPerS(host.net_out_bytes_per_s) },
  { key: "uptime", head: "fleet.uptime", isNumber: true, cell: (host) => duration(host.uptime_s) },
  { key: "seen", head: "fleet.seen", isNumber: true, cell: (host, nowMs) => ago(host.last_seen_s, nowMs) },
];

function of(used: number | undefined, total: number | undefined): string | undefined {
  return used === undefined || total === undefined || total === 0 ? undefined : t("fleet.of", { used: bytes(used), total: bytes(total) });
}

function Use({ label, value, title }: { label: string; value: number | undefined; title?: string }) {
  if (value === undefined) return <span class="fleet-none">{UNKNOWN}</span>;
  return <span class="fleet-use" title={title}><Meter label={label} value={value} text={percent(value)} /></span>;
}

/** The name, which leads to the host where `isLink`; what is besides it says more about the host. */
export function Name({ host, isLink, withGroup }: { host: HostNow; isLink: boolean; withGroup: boolean }) {
  const labels = [...(withGroup && host.tag ? [host.tag] : []), ...(host.tags ?? [])];
  return (
    <>
      <PresenceDot presence={host.presence} />
      {isLink ? <a class="fleet-name" href={`/ui/hosts/${host.id}`}>{host.name}</a> : <span class="fleet-name">{host.name}</span>}
      {host.class && <span class="fleet-class">{host.class}</span>}
      {host.presence !== "online" && <Badge tone={host.presence === "offline" ? "bad" : "neutral"}>{presenceText(host.presence)}</Badge>}
      {labels.length > 0 && <span class="fleet-labels" title={labels.join(", ")}>{labels.slice(0, 3).map((label) => <span key={label} class="fleet-label">{label}</span>)}</span>}
    </>
  );
}

/** A host as a row of the table. */
export function HostRow({ host, itemKey, index, nowMs, isLink, withGroup }: { host: HostNow; itemKey: string; index: number; nowMs: number; isLink: boolean; withGroup: boolean }) {
  return (
    <div class="fleet-row" role="row" aria-rowindex={index} data-key={itemKey} data-id={host.id} data-presence={host.presence}>
      <div class="fleet-cell fleet-host" role="rowheader"><Name host={host} isLink={isLink} withGroup={withGroup} /></div>
      {COLUMNS.map((column) => (
        <div key={column.key} role="cell" data-head={column.isNumber ? undefined : t(column.head)} class={column.isNumber ? `fleet-cell fleet-${column.key} number` : `fleet-cell fleet-${column.key}`}>{column.cell(host, nowMs)}</div>
      ))}
    </div>
  );
}

/** A host as a card. */
export function HostCard({ host, itemKey, nowMs, isLink, withGroup }: { host: HostNow; itemKey: string; nowMs: number; isLink: boolean; withGroup: boolean }) {
  const meters: [string, number | undefined, string | undefined][] = [
    [t("fleet.cpu"), host.cpu_percent, undefined],
    [t("fleet.memory"), share(host.mem_used_bytes, host.mem_total_bytes), of(host.mem_used_bytes, host.mem_total_bytes)],
    [t("fleet.disk"), share(host.disk_used_bytes, host.disk_total_bytes), of(host.disk_used_bytes, host.disk_total_bytes)],
  ];
  const system = [host.platform, host.platform_version].filter(Boolean).join(" ");
  return (
    <article class="fleet-card" data-key={itemKey} data-id={host.id} data-presence={host.presence}>
      <h3 class="fleet-card-head"><Name host={host} isLink={isLink} withGroup={false} /></h3>
      <p class="fleet-card-sub">{[withGroup ? host.tag : "", system, host.presence === "online" ? duration(host.uptime_s) : ago(host.last_seen_s, nowMs)].filter((part) => part && part !== UNKNOWN).join(" · ")}</p>
      <div class="fleet-card-meters">
        {meters.map(([label, value, title]) => <div key={label} title={title}><span class="muted" aria-hidden="true">{label}</span><Meter label={label} value={value} text={percent(value)} /></div>)}
      </div>
      <p class="fleet-card-foot">
        <span><span aria-hidden="true">↓</span><span class="unseen">{t("fleet.down")}</span> {bytesPerS(host.net_in_bytes_per_s)}</span>
        <span><span aria-hidden="true">↑</span><span class="unseen">{t("fleet.up")}</span> {bytesPerS(host.net_out_bytes_per_s)}</span>
        <span class="fleet-card-load">{t("fleet.load")} {number(host.load1, 2)}</span>
      </p>
    </article>
  );
}
