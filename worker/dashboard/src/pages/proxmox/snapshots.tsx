// Snapshots of guests.

import { useMemo, useState } from "preact/hooks";

import { get } from "../../app/api.ts";
import { ago, bytes, dateTime } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { serverNowMs } from "../../live/store.ts";
import { Badge, Button, Card, Empty, ErrorNote, Select, Spinner, TextInput } from "../../ui/index.ts";
import { LongTable } from "./LongTable.tsx";
import { AGES, namesOf, timeOf, type Guest, type Snapshot } from "./model.ts";

interface Row extends Snapshot {
  guest: string;
  atS: number | null;
}

export function Snapshots({ guests, count }: { guests: readonly Guest[]; count: number }) {
  const [text, setText] = useState("");
  const [age, setAge] = useState("any");
  const loaded = useLoad("proxmox.snapshots", (signal) => get<{ snapshots: Snapshot[] }>("/api/snapshots", undefined, signal));
  const all: Row[] = useMemo(() => {
    const name = namesOf(guests);
    return (loaded.data?.snapshots ?? []).map((one) => ({ ...one, guest: name(one.instance, String(one.vmid)), atS: timeOf(one.time) }));
  }, [loaded.data]);
  const nowS = serverNowMs() / 1000;
  const wanted = text.trim().toLowerCase();
  const bounds = AGES.get(age) ?? { from: -Infinity, to: Infinity };
  const shown = all.filter((one) => {
    const seconds = nowS - (one.atS ?? nowS);
    return seconds >= bounds.from && seconds <= bounds.to && (wanted === "" || `${one.guest} ${one.vmid} ${one.name} ${one.node} ${one.description ?? ""}`.toLowerCase().includes(wanted));
  });
  if (loaded.data === undefined) return loaded.error ? <ErrorNote error={loaded.error} retry={loaded.again} /> : <Spinner label={t("proxmox.loading_snapshots", { count })} />;
  return (
    <>
      <div class="px-filters">
        <TextInput type="search" class="px-search" value={text} onInput={setText} placeholder={t("proxmox.filter_snapshots")} aria-label={t("proxmox.filter_snapshots")} />
        <Select aria-label={t("proxmox.col_age")} value={age} onChange={setAge} options={[...AGES.keys()].map((value) => ({ value, label: t(`proxmox.age.${value}`) }))} />
        <Button small onClick={loaded.again} busy={loaded.loading}>{t("proxmox.reload")}</Button>
        <span class="muted px-count" role="status">{t("proxmox.shown_of", { shown: shown.length, count: all.length })}</span>
      </div>
      <Card flush>
        {shown.length === 0 ? (
          <Empty title={t("proxmox.no_snapshots")} />
        ) : (
          <LongTable<Row>
            caption={t("proxmox.tab.snapshots")}
            rows={shown}
            rowKey={(one) => one.id}
            sortBy="-at"
            columns={[
              { key: "name", head: t("proxmox.col_snapshot"), sort: (one) => one.name, width: "34%", cell: (one) => <span class="px-guest"><span class="px-name">{one.name}</span><span class="px-guest-about">{one.guest || one.vmid} · {one.vmid}<span class="px-phone"> · {one.node}</span></span></span> },
              { key: "at", head: t("proxmox.col_made"), phoneWidth: "110px", sort: (one) => one.atS, cell: (one) => <span title={dateTime(one.atS)}>{one.atS === null ? "–" : ago(one.atS, nowS * 1000)}</span> },
              { key: "guest", head: t("proxmox.col_guest"), from: 720, sort: (one) => one.guest, cell: (one) => <span class="px-line">{one.guest || one.vmid} <span class="muted">{t(`proxmox.type_short.${one.type}`)}</span></span> },
              { key: "node", head: t("proxmox.col_node"), from: 720, sort: (one) => one.node, cell: (one) => one.node },
              { key: "size", head: t("proxmox.col_size"), align: "right", from: 1000, sort: (one) => one.sizeBytes, cell: (one) => (one.sizeBytes === undefined ? "–" : bytes(one.sizeBytes)) },
              { key: "memory", head: t("proxmox.col_marks"), from: 1000, cell: (one) => one.vmstate && <Badge>{t("proxmox.with_memory")}</Badge> },
              { key: "about", head: t("proxmox.col_notes"), from: 1240, cell: (one) => <span class="px-line muted" title={one.description}>{one.description}</span> },
            ]}
          />
        )}
      </Card>
    </>
  );
}
