// Storages of nodes, and datastores of Backup Servers.

import { bytes, number } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { Badge, Card, Empty, Meter, Status, Table } from "../../ui/index.ts";
import { storagePlace, type Overview } from "./model.ts";

interface Row {
  id: string;
  name: string;
  place: string;
  type: string;
  status: string;
  usage: number | undefined;
  used: number;
  total: number;
  content: string;
  shared: boolean;
  more: string;
}

export function Storages({ data }: { data: Overview }) {
  const rows: Row[] = [
    ...data.storage.map((one) => ({ ...one, place: storagePlace(one), usage: one.total > 0 ? one.usage : undefined, more: "" })),
    ...data.pbs.flatMap((server) =>
      server.datastores.map((one) => ({
        id: `${server.id} ${one.name}`, name: one.name, place: server.name, type: "pbs", status: one.error ? "inactive" : "available", usage: one.total > 0 ? one.usage : undefined, used: one.used, total: one.total, content: "backup", shared: false,
        more: one.error ?? (one.deduplicationFactor ? t("proxmox.deduplication", { factor: number(one.deduplicationFactor, 1) }) : ""),
      })),
    ),
  ];
  return (
    <Card flush>
      <Table<Row>
        caption={t("proxmox.tab.storage")}
        rows={rows}
        rowKey={(row) => row.id}
        sortBy="-usage"
        empty={<Empty title={t("proxmox.no_storage")} />}
        columns={[
          { key: "name", head: t("proxmox.col_storage"), isName: true, sort: (row) => row.name, cell: (row) => <span class="px-instance">{row.name} {row.shared && <Badge>{t("proxmox.shared")}</Badge>}</span> },
          { key: "place", head: t("proxmox.col_where"), sort: (row) => row.place, cell: (row) => row.place },
          { key: "type", head: t("proxmox.col_type"), wideOnly: true, sort: (row) => row.type, cell: (row) => row.type },
          { key: "status", head: t("proxmox.col_state"), wideOnly: true, sort: (row) => row.status, cell: (row) => <Status tone={row.status === "available" ? "ok" : row.status === "disabled" ? "neutral" : "bad"}>{t(`proxmox.storage.${row.status}`)}</Status> },
          { key: "usage", head: t("proxmox.col_usage"), sort: (row) => row.usage, cell: (row) => <span class="px-usage">{row.usage === undefined ? <span class="muted">–</span> : <Meter label={row.name} value={row.usage} />}</span> },
          { key: "used", head: t("proxmox.col_used"), align: "right", sort: (row) => row.used, cell: (row) => (row.total > 0 ? `${bytes(row.used)} / ${bytes(row.total)}` : "–") },
          { key: "content", head: t("proxmox.col_content"), wideOnly: true, cell: (row) => <span class="muted px-content">{[row.content.replaceAll(",", ", "), row.more].filter(Boolean).join(" · ")}</span> },
        ]}
      />
    </Card>
  );
}
