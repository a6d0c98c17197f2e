// Proxmox: nodes, guests, storage, backups and snapshots, as agents poll them.

import en from "../../messages/en/proxmox.json";
import zh from "../../messages/zh/proxmox.json";
import { useMemo, useState } from "preact/hooks";

import { get } from "../../app/api.ts";
import { register, t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { location, setQuery } from "../../app/router.ts";
import { session } from "../../app/session.ts";
import { Button, Card, Empty, ErrorNote, PageHeader, Spinner, Tabs } from "../../ui/index.ts";
import { AddServer } from "./add.tsx";
import { Backups } from "./backups.tsx";
import { Guests } from "./guests.tsx";
import type { Overview } from "./model.ts";
import { Nodes } from "./nodes.tsx";
import { Snapshots } from "./snapshots.tsx";
import { Storages } from "./storage.tsx";
import "../rules/messages.ts";
import "./proxmox.css";

register("proxmox", { en, zh });

const EVERY_S = 10;
const TABS = ["nodes", "guests", "storage", "backups", "snapshots"] as const;

export default function Page() {
  const [adding, setAdding] = useState(false);
  const now = useLoad("proxmox", (signal) => get<Overview>("/api/edgewatch/v1/proxmox", undefined, signal), { everyS: EVERY_S });
  const tab = TABS.find((one) => one === location.value.query.get("tab")) ?? "nodes";
  const data = now.data;
  const guests = useMemo(() => (data ? [...data.vms, ...data.containers] : []), [data]);
  const isAdmin = session.value?.isAdmin ?? false;
  const add = isAdmin && <Button kind="primary" onClick={() => setAdding(true)}>{t("proxmox.add")}</Button>;
  const counts = data && {
    nodes: data.nodes.length + data.pbs.length,
    guests: guests.length,
    storage: data.storage.length + data.pbs.reduce((sum, one) => sum + one.datastores.length, 0),
    backups: data.counts.storage_backups + data.counts.pbs_backups,
    snapshots: data.counts.snapshots,
  };
  return (
    <>
      <PageHeader title={t("proxmox.title")} actions={data && data.instances.length > 0 ? add : undefined} />
      <ErrorNote error={now.error} retry={now.again} />
      {data === undefined && !now.error && <Spinner />}
      {data !== undefined && data.instances.length === 0 && (
        <Card><Empty title={t("proxmox.empty_title")} action={add}><p class="px-empty">{t("proxmox.empty")}</p></Empty></Card>
      )}
      {data !== undefined && data.instances.length > 0 && (
        <>
          <div class="px-tabs">
            <Tabs label={t("proxmox.title")} active={tab} onChange={(id) => setQuery({ tab: id === "nodes" ? null : id })} tabs={TABS.map((id) => ({ id, label: t(`proxmox.tab.${id}`), count: counts?.[id] }))} />
          </div>
          {tab === "nodes" && <Nodes data={data} guests={guests} />}
          {tab === "guests" && <Guests guests={guests} />}
          {tab === "storage" && <Storages data={data} />}
          {tab === "backups" && <Backups guests={guests} count={counts?.backups ?? 0} />}
          {tab === "snapshots" && <Snapshots guests={guests} count={counts?.snapshots ?? 0} />}
        </>
      )}
      {adding && <AddServer onClose={() => { setAdding(false); now.again(); }} known={data?.instances.length ?? 0} />}
    </>
  );
}
