// Backups of both products in one list, tens of thousands of them. They are loaded when somebody looks, and again on demand.

import { useMemo, useState } from "preact/hooks";

import { get } from "../../app/api.ts";
import { ago, bytes, dateTime } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { serverNowMs } from "../../live/store.ts";
import { Badge, Button, Card, Empty, ErrorNote, Select, Spinner, TextInput, compareTexts } from "../../ui/index.ts";
import { LongTable } from "./LongTable.tsx";
import { AGES, backupsOf, filterBackups, type Backup, type BackupsReply, type Guest } from "./model.ts";

export function Backups({ guests, count }: { guests: readonly Guest[]; count: number }) {
  const [filter, setFilter] = useState({ text: "", type: "", place: "", age: "any" });
  const loaded = useLoad("proxmox.backups", (signal) => get<BackupsReply>("/api/backups/unified", undefined, signal));
  const all = useMemo(() => (loaded.data ? backupsOf(loaded.data, guests) : []), [loaded.data]);
  const places = useMemo(() => [...new Map(all.map((one) => [`${one.where} ${one.place}`, `${one.place} (${one.where})`])).entries()].sort((one, other) => compareTexts(one[1], other[1])), [all]);
  const nowS = serverNowMs() / 1000;
  const shown = useMemo(() => filterBackups(all, filter, nowS), [all, filter]);
  const size = useMemo(() => shown.reduce((sum, one) => sum + one.size, 0), [shown]);
  const set = (changes: Partial<typeof filter>) => setFilter((before) => ({ ...before, ...changes }));
  const failed = (loaded.data?.backupTasks ?? []).filter((task) => task.error !== undefined);
  if (loaded.data === undefined) return loaded.error ? <ErrorNote error={loaded.error} retry={loaded.again} /> : <Spinner label={t("proxmox.loading_backups", { count })} />;
  return (
    <>
      {failed.length > 0 && (
        <ul class="px-troubles">
          {failed.slice(0, 5).map((task) => <li key={task.id}><Badge tone="bad">{t("proxmox.failed_backup")}</Badge> {task.vmid > 0 ? task.vmid : ""} {task.node} · {dateTime(Date.parse(task.startTime) / 1000)} · {task.error}</li>)}
        </ul>
      )}
      <div class="px-filters">
        <TextInput type="search" class="px-search" value={filter.text} onInput={(text) => set({ text })} placeholder={t("proxmox.filter_backups")} aria-label={t("proxmox.filter_backups")} />
        <Select aria-label={t("proxmox.col_type")} value={filter.type} onChange={(type) => set({ type })} options={[{ value: "", label: t("proxmox.any_type") }, ...(["qemu", "lxc", "host"] as const).map((value) => ({ value, label: t(`proxmox.type.${value}`) }))]} />
        <Select aria-label={t("proxmox.col_where")} value={filter.place} onChange={(place) => set({ place })} options={[{ value: "", label: t("proxmox.any_place") }, ...places.map(([value, label]) => ({ value, label }))]} />
        <Select aria-label={t("proxmox.col_age")} value={filter.age} onChange={(age) => set({ age })} options={[...AGES.keys()].map((value) => ({ value, label: t(`proxmox.age.${value}`) }))} />
        <Button small onClick={loaded.again} busy={loaded.loading}>{t("proxmox.reload")}</Button>
        <span class="muted px-count" role="status">{t("proxmox.shown_of", { shown: shown.length, count: all.length })} · {bytes(size)}</span>
      </div>
      <Card flush>
        {shown.length === 0 ? (
          <Empty title={t("proxmox.no_backups")} />
        ) : (
          <LongTable<Backup>
            caption={t("proxmox.tab.backups")}
            rows={shown}
            rowKey={(one) => one.id}
            sortBy="-at"
            columns={[
              { key: "guest", head: t("proxmox.col_guest"), sort: (one) => one.name || one.guest, width: "30%", cell: (one) => <span class="px-guest"><span class="px-name">{one.name || one.guest || "–"}</span><span class="px-guest-about">{one.name ? `${one.guest} · ` : ""}{t(`proxmox.type_short.${one.type}`)}<span class="px-phone"> · {one.place}</span></span></span> },
              { key: "at", head: t("proxmox.col_made"), phoneWidth: "104px", sort: (one) => one.atS, cell: (one) => <span title={dateTime(one.atS)}>{ago(one.atS, nowS * 1000)}</span> },
              { key: "size", head: t("proxmox.col_size"), align: "right", phoneWidth: "88px", sort: (one) => one.size, cell: (one) => bytes(one.size) },
              { key: "place", head: t("proxmox.col_where"), from: 720, sort: (one) => `${one.place} ${one.where}`, cell: (one) => <span class="px-line">{one.place} <span class="muted">{one.where}</span></span> },
              { key: "marks", head: t("proxmox.col_marks"), from: 720, cell: (one) => <span class="px-marks">{one.isProtected && <Badge tone="accent">{t("proxmox.protected")}</Badge>}{one.verified === true && <Badge tone="ok">{t("proxmox.verified")}</Badge>}</span> },
              { key: "notes", head: t("proxmox.col_notes"), from: 1240, cell: (one) => <span class="px-line muted" title={one.notes}>{one.notes}</span> },
            ]}
          />
        )}
      </Card>
    </>
  );
}
