// What a host is and how it is now.

import type { ComponentChildren } from "preact";

import { ago, bytes, bytesPerS, dateTime, duration, number, percent, share } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { session } from "../../app/session.ts";
import { hosts, serverNowMs } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import { LinkButton } from "../../ui/Button.tsx";
import { Badge, Meter } from "../../ui/feedback.tsx";
import { PageHeader } from "../../ui/layout.tsx";
import { PresenceLabel } from "../../ui/presence.tsx";
import type { HostFull } from "./data.ts";

type Fact = readonly [string, ComponentChildren] | null;

export function Head({ id, now, full }: { id: number; now: HostNow | undefined; full: HostFull | undefined }) {
  const name = now?.name ?? full?.name ?? "";
  const parentId = now?.parent_id ?? full?.parent_id ?? undefined;
  const parent = parentId === undefined ? undefined : hosts.value.get(parentId);
  const group = full?.group ?? now?.tag ?? "";
  const tags = full?.tags ?? now?.tags ?? [];
  const kind = now?.class ?? (full?.class === "machine" ? undefined : full?.class);
  const isAdmin = session.value?.isAdmin === true;
  return (
    <header class="host-head">
      <PageHeader title={name} actions={isAdmin && <LinkButton small href={`/ui/hosts/${id}/edit`}>{t("common.edit")}</LinkButton>}>
        <span class="host-labels">
          {now && <PresenceLabel presence={now.presence} />}
          {now?.presence === "offline" && <span class="muted">{t("host.since", { time: ago(now.last_seen_s, serverNowMs()) })}</span>}
          {kind && <Badge>{t(`host.class_${kind}`)}</Badge>}
          {parentId !== undefined && <a href={`/ui/hosts/${parentId}`}>{t("host.guest_of", { name: parent?.name ?? `#${parentId}` })}</a>}
          {group !== "" && <Badge tone="accent" title={t("host.group")}>{group}</Badge>}
          {tags.map((tag) => <Badge key={tag}>{tag}</Badge>)}
          {full?.hidden_for_guest === false && <Badge tone="warn">{t("host.public")}</Badge>}
        </span>
      </PageHeader>
      {now && now.presence !== "never" && <Now now={now} />}
      <dl class="host-facts">
        {factsOf(now, full).map((fact) => fact && <div key={fact[0]}><dt>{fact[0]}</dt><dd>{fact[1]}</dd></div>)}
      </dl>
      {full?.note && <p class="host-note"><span class="host-note-kind">{t("host.note")}</span>{full.note}</p>}
      {full?.public_note && <p class="host-note"><span class="host-note-kind">{t("host.public_note")}</span>{full.public_note}</p>}
    </header>
  );
}

/** What is known of the host; what is not is left out. */
function factsOf(now: HostNow | undefined, full: HostFull | undefined): Fact[] {
  const facts = full?.facts;
  const text = (label: string, value: string | undefined | null): Fact => (value ? [t(`host.${label}`), value] : null);
  const system = [facts?.platform || now?.platform, facts?.platform_version || now?.platform_version].filter(Boolean).join(" ");
  const kernel = [facts?.kernel, facts?.arch || now?.arch].filter(Boolean).join(" · ");
  const addresses = [full?.addresses.ipv4, full?.addresses.ipv6].filter(Boolean).join(" · ");
  const country = (full?.country_code || now?.country_code || "").toUpperCase();
  const uptime = now?.presence === "online" ? now.uptime_s : undefined;
  return [
    uptime === undefined ? null : [t("host.uptime"), duration(uptime)],
    text("system", system && system.charAt(0).toUpperCase() + system.slice(1)),
    text("kernel", kernel),
    text("cpu", facts?.cpu.map((line) => line.replace(/\s+/g, " ")).join(", ")),
    text("gpu", facts?.gpu.join(", ")),
    text("virtualization", facts?.virtualization || now?.virtualization),
    text("agent", full?.agent_version || now?.agent_version),
    text("addresses", addresses),
    text("country", country),
    full ? [t("host.registered"), dateTime(full.registered_at_s)] : null,
  ];
}

/** The newest values, dense. */
function Now({ now }: { now: HostNow }) {
  const tile = (label: string, value: ComponentChildren, below?: ComponentChildren) => (
    <div class="host-tile">
      <span class="host-tile-label">{label}</span>
      <span class="host-tile-value">{value}</span>
      {below}
    </div>
  );
  const meter = (label: string, used: number | undefined, total: number | undefined) => {
    const part = share(used, total);
    return part === undefined ? null : tile(label, percent(part), <><Meter value={part} label={label} text={null} /><span class="host-tile-hint">{bytes(used)} / {bytes(total)}</span></>);
  };
  const isStale = now.presence === "offline";
  return (
    <div class={isStale ? "host-tiles host-stale" : "host-tiles"} role="group" aria-label={t(isStale ? "host.was" : "host.now")}>
      {now.cpu_percent !== undefined && tile(t("host.chart_cpu"), percent(now.cpu_percent), <><Meter value={now.cpu_percent} label={t("host.chart_cpu")} text={null} /><span class="host-tile-hint">{now.load1 === undefined ? "" : t("host.load_hint", { one: number(now.load1, 2), five: number(now.load5, 2), fifteen: number(now.load15, 2) })}</span></>)}
      {meter(t("host.chart_memory"), now.mem_used_bytes, now.mem_total_bytes)}
      {(now.swap_total_bytes ?? 0) > 0 && meter(t("host.chart_swap"), now.swap_used_bytes, now.swap_total_bytes)}
      {meter(t("host.chart_disk"), now.disk_used_bytes, now.disk_total_bytes)}
      {now.net_in_bytes_per_s !== undefined && tile(t("host.line_in"), bytesPerS(now.net_in_bytes_per_s), <span class="host-tile-hint">{t("host.since_boot", { count: bytes(now.net_in_bytes) })}</span>)}
      {now.net_out_bytes_per_s !== undefined && tile(t("host.line_out"), bytesPerS(now.net_out_bytes_per_s), <span class="host-tile-hint">{t("host.since_boot", { count: bytes(now.net_out_bytes) })}</span>)}
    </div>
  );
}
