// What of a host is no chart: its file systems, probes, guests, checks and packages. What there is nothing of is not shown.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

import { bytes, dateTime, duration, number, percent, share } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { type Loaded, useLoad } from "../../app/load.ts";
import { type SeriesPart, statsOfSeries } from "../../charts/series.ts";
import { write } from "../../charts/units.ts";
import { hosts } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import { Badge, Meter, Status, type Tone } from "../../ui/feedback.tsx";
import { Table } from "../../ui/layout.tsx";
import { PresenceDot, presenceText } from "../../ui/presence.tsx";
import { API, type HostFacts, maybe } from "./data.ts";
import { metricName } from "./plan.ts";

function Part({ title, aside, children }: { title: string; aside?: ComponentChildren; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="host-section" aria-labelledby={id}>
      <div class="host-section-head"><h2 id={id}>{title}</h2>{aside}</div>
      <div class="ui-card">{children}</div>
    </section>
  );
}

type FileSystem = NonNullable<NonNullable<HostFacts["machine"]>["file_systems"]>[number];

/** Space by mount: as it was measured last where it is measured, else as the host said it when it told what it is. */
export function Mounts({ systems, parts }: { systems: readonly FileSystem[] | undefined; parts: ReadonlyMap<string, SeriesPart> }) {
  const rows = (systems ?? []).map((system) => {
    const name = metricName(system.device);
    const newest = (what: string): number | undefined => {
      const part = parts.get(`filesystem.${name}.${what}`);
      return part && statsOfSeries(part).now;
    };
    return { ...system, size: newest("size") ?? system.size_kib * 1024, used: newest("used") ?? system.used_kib * 1024 };
  });
  if (rows.length === 0) return null;
  return (
    <section class="chart host-mounts">
      <div class="chart-head"><h3>{t("host.mounts")}</h3></div>
      <Table
        caption={t("host.mounts")}
        rows={rows}
        rowKey={(row) => `${row.device} ${row.mount}`}
        columns={[
          { key: "mount", head: t("host.mount"), isName: true, sort: (row) => row.mount, cell: (row) => <span title={row.device}>{row.mount}</span> },
          { key: "device", head: t("host.device"), wideOnly: true, cell: (row) => <span class="muted">{row.device}</span> },
          { key: "size", head: t("host.size"), align: "right", sort: (row) => row.size, cell: (row) => <>{bytes(row.used)}<span class="muted"> / {bytes(row.size)}</span></> },
          { key: "used", head: t("host.line_used"), sort: (row) => share(row.used, row.size), cell: (row) => <Meter value={share(row.used, row.size)} label={row.mount} text={percent(share(row.used, row.size))} /> },
        ]}
      />
    </section>
  );
}

/** A probe as everybody sees it. Source: worker/core/src/dialects/native/probes.rs. */
export interface ProbeSummary {
  id: number;
  name: string;
  kind: string;
  target?: string;
  state: string;
  delay_ms: number | null;
}

export function useProbes(): Loaded<ProbeSummary[]> {
  return useLoad("probes", async (signal) => (await maybe<{ probes: ProbeSummary[] }>(`${API}/probes/summary`, signal))?.probes ?? [], { everyS: 120 });
}

const PROBE_TONES: Record<string, Tone> = { good: "ok", low: "warn", down: "bad", no_data: "neutral" };

/** The probes that this host asks, and how they fared in the time that is shown. */
export function Probes({ probes, parts }: { probes: readonly ProbeSummary[] | undefined; parts: ReadonlyMap<string, SeriesPart> }) {
  const rows = (probes ?? []).flatMap((probe) => {
    const delay = parts.get(`probe/${probe.id}/delay_ms`);
    return delay && delay.at_s.length > 0 ? [{ ...probe, stats: statsOfSeries(delay) }] : [];
  });
  if (rows.length === 0) return null;
  return (
    <section class="chart host-mounts">
      <div class="chart-head"><h3>{t("host.probes")}</h3></div>
      <Table
        caption={t("host.probes")}
        rows={rows}
        rowKey={(row) => row.id}
        columns={[
          { key: "name", head: t("host.probe"), isName: true, sort: (row) => row.name, cell: (row) => <a href={`/ui/probes/${row.id}`} title={row.target}>{row.name}</a> },
          { key: "state", head: t("host.state"), sort: (row) => row.state, cell: (row) => <Status tone={PROBE_TONES[row.state] ?? "neutral"}>{t(`host.probe_${row.state}`)}</Status> },
          { key: "now", head: t("charts.now"), align: "right", sort: (row) => row.stats.now, cell: (row) => write("ms", row.stats.now) },
          { key: "average", head: t("charts.average"), align: "right", wideOnly: true, sort: (row) => row.stats.average, cell: (row) => write("ms", row.stats.average) },
          { key: "max", head: t("charts.max"), align: "right", sort: (row) => row.stats.max, cell: (row) => write("ms", row.stats.max) },
        ]}
      />
    </section>
  );
}

/** The guests of a node of a hypervisor. */
export function Guests({ id }: { id: number }) {
  const guests = [...hosts.value.values()].filter((host) => host.parent_id === id);
  if (guests.length === 0) return null;
  const running = guests.filter((guest) => guest.presence === "online").length;
  const used = (host: HostNow): number | undefined => share(host.mem_used_bytes, host.mem_total_bytes);
  return (
    <Part title={t("host.guests")} aside={<span class="muted">{t("host.running", { count: running, all: guests.length })}</span>}>
      <Table
        caption={t("host.guests")}
        rows={guests}
        rowKey={(guest) => guest.id}
        sortBy="name"
        columns={[
          { key: "name", head: t("host.guest"), isName: true, sort: (guest) => guest.name, cell: (guest) => <span class="host-guest"><PresenceDot presence={guest.presence} /><a href={`/ui/hosts/${guest.id}`}>{guest.name}</a></span> },
          { key: "class", head: t("host.kind"), wideOnly: true, sort: (guest) => guest.class, cell: (guest) => guest.class ? t(`host.class_${guest.class}`) : "" },
          { key: "presence", head: t("host.state"), wideOnly: true, sort: (guest) => guest.presence, cell: (guest) => presenceText(guest.presence) },
          { key: "cpu", head: t("host.chart_cpu"), sort: (guest) => guest.cpu_percent, cell: (guest) => <Meter value={guest.cpu_percent} label={`${guest.name}: ${t("host.chart_cpu")}`} text={percent(guest.cpu_percent)} /> },
          { key: "memory", head: t("host.chart_memory"), sort: used, cell: (guest) => <Meter value={used(guest)} label={`${guest.name}: ${t("host.chart_memory")}`} text={percent(used(guest))} /> },
          { key: "uptime", head: t("host.uptime"), align: "right", wideOnly: true, sort: (guest) => guest.uptime_s, cell: (guest) => duration(guest.uptime_s) },
        ]}
      />
    </Part>
  );
}

/** What a host's agent checked. Source: worker/core/src/dialects/native/checks.rs. */
interface ChecksReply {
  at_s: number;
  checks: { group: string; name: string; status: string; value: number | null; unit: string; message: string }[];
}

const CHECK_TONES: Record<string, Tone> = { OK: "ok", WARNING: "warn", CRITICAL: "bad", UNKNOWN: "neutral" };
const WORST = ["CRITICAL", "WARNING", "UNKNOWN", "OK"];
/** Of more rows than this the good ones are folded away. */
const FEW = 12;

export function Checks({ id }: { id: number }) {
  const loaded = useLoad(`checks ${id}`, (signal) => maybe<ChecksReply>(`${API}/hosts/${id}/checks`, signal), { everyS: 60 });
  const [all, setAll] = useState(false);
  const reply = loaded.data;
  if (!reply || reply.checks.length === 0) return null;
  const bad = reply.checks.filter((check) => check.status !== "OK");
  const rows = all || reply.checks.length <= FEW ? reply.checks : bad;
  const folded = reply.checks.length - rows.length;
  return (
    <Part title={t("host.checks")} aside={<span class="muted">{t("host.checks_sum", { count: reply.checks.length, bad: bad.length, time: dateTime(reply.at_s) })}</span>}>
      {rows.length > 0 && (
        <Table
          caption={t("host.checks")}
          rows={rows}
          rowKey={(check) => `${check.group} ${check.name}`}
          sortBy="status"
          columns={[
            { key: "status", head: t("host.state"), sort: (check) => WORST.indexOf(check.status), cell: (check) => <Status tone={CHECK_TONES[check.status] ?? "neutral"}>{check.status}</Status> },
            { key: "name", head: t("host.check"), isName: true, sort: (check) => check.name, cell: (check) => check.name },
            { key: "group", head: t("host.kind"), wideOnly: true, sort: (check) => check.group, cell: (check) => <span class="muted">{check.group}</span> },
            { key: "value", head: t("host.value"), align: "right", sort: (check) => check.value, cell: (check) => check.value === null ? "" : check.unit === "B" ? bytes(check.value) : `${number(check.value)} ${check.unit}` },
            { key: "message", head: t("host.message"), wideOnly: true, cell: (check) => <span class="host-message">{check.message}</span> },
          ]}
        />
      )}
      {folded > 0 && <button type="button" class="host-unfold" onClick={() => setAll(true)}>{t("host.checks_good", { count: folded })}</button>}
    </Part>
  );
}

/** What is installed. Source: worker/core/src/dialects/openitcockpit/result/packages.rs. */
interface Inventory {
  Pending?: boolean;
  LastUpdate?: number;
  Stats?: { InstalledPackages?: number; UpgradablePackages?: number; SecurityUpdates?: number; RebootRequired?: boolean; LastError?: string; PackageManager?: string };
  LinuxPackages?: { Name: string; Version?: string }[] | null;
  LinuxUpdates?: { Name: string; CurrentVersion?: string; AvailableVersion?: string; IsSecurityUpdate?: boolean }[] | null;
}

export function Packages({ id }: { id: number }) {
  const loaded = useLoad(`packages ${id}`, (signal) => maybe<Inventory>(`${API}/hosts/${id}/packages`, signal), { everyS: 3_600 });
  const [all, setAll] = useState(false);
  const [word, setWord] = useState("");
  const inventory = loaded.data;
  if (!inventory || inventory.Pending) return null;
  const stats = inventory.Stats ?? {};
  const newer = new Map((inventory.LinuxUpdates ?? []).map((update) => [update.Name, update]));
  const wanted = word.trim().toLowerCase();
  const rows = [
    ...(inventory.LinuxUpdates ?? []).map((update) => ({ name: update.Name, version: update.CurrentVersion ?? "", next: update.AvailableVersion ?? "", security: update.IsSecurityUpdate === true })),
    ...(all ? (inventory.LinuxPackages ?? []).filter((one) => !newer.has(one.Name)).map((one) => ({ name: one.Name, version: one.Version ?? "", next: "", security: false })) : []),
  ].filter((row) => row.name.toLowerCase().includes(wanted)).slice(0, 500);
  const total = stats.InstalledPackages ?? inventory.LinuxPackages?.length ?? 0;
  return (
    <Part
      title={t("host.packages")}
      aside={(
        <span class="host-labels">
          <span class="muted">{t("host.packages_sum", { all: total, newer: stats.UpgradablePackages ?? newer.size, time: dateTime(inventory.LastUpdate) })}</span>
          {(stats.SecurityUpdates ?? 0) > 0 && <Badge tone="bad">{t("host.packages_security", { count: stats.SecurityUpdates ?? 0 })}</Badge>}
          {stats.RebootRequired && <Badge tone="warn">{t("host.reboot")}</Badge>}
        </span>
      )}
    >
      {all && <div class="host-filter"><input class="ui-input" type="search" placeholder={t("host.packages_filter")} aria-label={t("host.packages_filter")} value={word} onInput={(event) => setWord(event.currentTarget.value)} /></div>}
      {rows.length > 0 && (
        <div class="host-long">
          <Table
            caption={t("host.packages")}
            rows={rows}
            rowKey={(row) => `${row.name} ${row.version}`}
            columns={[
              { key: "name", head: t("host.package"), isName: true, sort: (row) => row.name, cell: (row) => row.name },
              { key: "version", head: t("host.version"), sort: (row) => row.version, cell: (row) => <span class="muted">{row.version}</span> },
              { key: "next", head: t("host.version_next"), sort: (row) => row.next, cell: (row) => row.next },
              { key: "security", head: t("host.kind"), wideOnly: true, sort: (row) => (row.security ? 0 : 1), cell: (row) => (row.security ? <Badge tone="bad">{t("host.security")}</Badge> : "") },
            ]}
          />
        </div>
      )}
      {stats.LastError && <p class="host-warning">{stats.LastError}</p>}
      {!all && total > 0 && <button type="button" class="host-unfold" onClick={() => setAll(true)}>{t("host.packages_all", { count: total })}</button>}
    </Part>
  );
}
