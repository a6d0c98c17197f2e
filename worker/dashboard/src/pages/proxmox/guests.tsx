// Virtual machines and containers, hundreds of them.

import { useState } from "preact/hooks";

import { ago, bytesPerS, duration } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { location, setQuery } from "../../app/router.ts";
import { serverNowMs } from "../../live/store.ts";
import { Badge, Card, Checkbox, Empty, Meter, Select, Status, TextInput, compareTexts, type Tone } from "../../ui/index.ts";
import { LongTable } from "./LongTable.tsx";
import { filterGuests, isBare, timeOf, type Guest } from "./model.ts";
import { HostName } from "./nodes.tsx";

export const GUEST_TONES: Record<Guest["status"], Tone> = { running: "ok", stopped: "neutral", paused: "warn", suspended: "warn" };

export function Guests({ guests }: { guests: readonly Guest[] }) {
  const { query } = location.value;
  const [text, setText] = useState(query.get("q") ?? "");
  const filter = { text, status: query.get("status") ?? "", type: query.get("type") ?? "", node: query.get("node") ?? "", isBare: query.has("bare") };
  const nowS = serverNowMs() / 1000;
  const shown = filterGuests(guests, filter, nowS);
  const nodes = [...new Set(guests.map((guest) => guest.node))].sort(compareTexts);
  const bare = guests.filter((guest) => isBare(guest, nowS)).length;
  const any = (label: string) => ({ value: "", label });
  const running = (guest: Guest) => guest.status === "running";
  return (
    <>
      <div class="px-filters">
        <TextInput type="search" class="px-search" value={text} onInput={setText} placeholder={t("proxmox.filter_guests")} aria-label={t("proxmox.filter_guests")} />
        <Select aria-label={t("proxmox.col_state")} value={filter.status} onChange={(status) => setQuery({ status: status || null })} options={[any(t("proxmox.any_state")), ...(["running", "stopped", "paused", "suspended"] as const).map((value) => ({ value, label: t(`proxmox.guest.${value}`) }))]} />
        <Select aria-label={t("proxmox.col_type")} value={filter.type} onChange={(type) => setQuery({ type: type || null })} options={[any(t("proxmox.any_type")), { value: "qemu", label: t("proxmox.type.qemu") }, { value: "lxc", label: t("proxmox.type.lxc") }]} />
        {nodes.length > 1 && <Select aria-label={t("proxmox.col_node")} value={filter.node} onChange={(node) => setQuery({ node: node || null })} options={[any(t("proxmox.any_node")), ...nodes.map((value) => ({ value, label: value }))]} />}
        <Checkbox checked={filter.isBare} onChange={(on) => setQuery({ bare: on ? "1" : null })} label={t("proxmox.bare", { count: bare })} />
        <span class="muted px-count" role="status">{t("proxmox.shown_of", { shown: shown.length, count: guests.length })}</span>
      </div>
      <Card flush>
        {shown.length === 0 ? (
          <Empty title={t("proxmox.no_guests")} />
        ) : (
          <LongTable<Guest>
            caption={t("proxmox.tab.guests")}
            rows={shown}
            rowKey={(guest) => guest.id}
            sortBy="name"
            columns={[
              {
                key: "name", head: t("proxmox.col_guest"), sort: (guest) => guest.name, width: "24%",
                cell: (guest) => (
                  <span class="px-guest">
                    <HostName classes={[guest.type]} name={guest.name} />
                    <span class="px-guest-about">{guest.vmid} · {t(`proxmox.type_short.${guest.type}`)}<span class="px-phone"> · {guest.node}</span>{guest.lock && <Badge tone="warn">{guest.lock}</Badge>}</span>
                  </span>
                ),
              },
              { key: "status", head: t("proxmox.col_state"), sort: (guest) => guest.status, width: "104px", phoneWidth: "106px", cell: (guest) => <Status tone={GUEST_TONES[guest.status]}>{t(`proxmox.guest.${guest.status}`)}</Status> },
              { key: "node", head: t("proxmox.col_node"), from: 720, sort: (guest) => guest.node, cell: (guest) => guest.node },
              { key: "cpu", head: t("proxmox.cpu"), sort: (guest) => (running(guest) ? guest.cpu : null), phoneWidth: "96px", cell: (guest) => (running(guest) ? <Meter label={t("proxmox.cpu")} value={guest.cpu * 100} /> : <span class="muted">–</span>) },
              { key: "memory", head: t("proxmox.memory"), sort: (guest) => (running(guest) ? guest.memory.usage : null), from: 720, cell: (guest) => (running(guest) ? <Meter label={t("proxmox.memory")} value={guest.memory.usage} /> : <span class="muted">–</span>) },
              { key: "disk", head: t("proxmox.disk"), sort: (guest) => (guest.disk.used > 0 ? guest.disk.usage : null), from: 1000, cell: (guest) => (guest.disk.used > 0 ? <Meter label={t("proxmox.disk")} value={guest.disk.usage} /> : <span class="muted">–</span>) },
              { key: "in", head: t("proxmox.in"), align: "right", from: 1240, sort: (guest) => (guest.networkIn < 0 ? null : guest.networkIn), cell: (guest) => (guest.networkIn < 0 || !running(guest) ? "–" : bytesPerS(guest.networkIn)) },
              { key: "out", head: t("proxmox.out"), align: "right", from: 1240, sort: (guest) => (guest.networkOut < 0 ? null : guest.networkOut), cell: (guest) => (guest.networkOut < 0 || !running(guest) ? "–" : bytesPerS(guest.networkOut)) },
              { key: "uptime", head: t("proxmox.uptime"), align: "right", from: 1000, sort: (guest) => (running(guest) ? guest.uptime : null), cell: (guest) => (running(guest) ? duration(guest.uptime) : "–") },
              { key: "backup", head: t("proxmox.last_backup"), align: "right", from: 720, width: "126px", sort: (guest) => timeOf(guest.lastBackup), cell: (guest) => <LastBackup guest={guest} nowS={nowS} /> },
            ]}
          />
        )}
      </Card>
    </>
  );
}

function LastBackup({ guest, nowS }: { guest: Guest; nowS: number }) {
  const at = timeOf(guest.lastBackup);
  if (at === null) return <Badge tone="warn">{t("proxmox.no_backup")}</Badge>;
  return isBare(guest, nowS) ? <Badge tone="warn">{ago(at, nowS * 1000)}</Badge> : <span>{ago(at, nowS * 1000)}</span>;
}
