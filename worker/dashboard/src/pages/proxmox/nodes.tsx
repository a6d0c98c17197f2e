// Nodes and Backup Servers as cards, and how polling each instance fares.

import { ago, bytes, duration, number, percent } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import { hosts, serverNowMs } from "../../live/store.ts";
import { Badge, Card, Meter, Status, Table, type Tone } from "../../ui/index.ts";
import { hostName } from "../rules/api.ts";
import { pollState, type Amount, type Guest, type Instance, type Node, type Overview, type Pbs } from "./model.ts";

const POLL_TONES: Record<ReturnType<typeof pollState>, Tone> = { ok: "ok", waiting: "neutral", locked_out: "bad", failing: "bad" };

export function Nodes({ data, guests }: { data: Overview; guests: readonly Guest[] }) {
  const troubled = data.instances.filter((instance) => pollState(instance) !== "ok");
  return (
    <>
      {troubled.length > 0 && (
        <ul class="px-troubles">
          {troubled.map((instance) => <li key={`${instance.kind} ${instance.name}`}><Status tone={POLL_TONES[pollState(instance)]}><b>{instance.name}</b></Status> {trouble(instance)}</li>)}
        </ul>
      )}
      <ul class="px-nodes">
        {data.nodes.map((node) => <NodeCard key={node.id} node={node} guests={guests} />)}
        {data.pbs.map((server) => <PbsCard key={server.id} server={server} />)}
      </ul>
      <Card title={t("proxmox.polling")} flush>
        <Table<Instance>
          caption={t("proxmox.polling")}
          rows={data.instances}
          rowKey={(one) => `${one.kind} ${one.name}`}
          columns={[
            { key: "name", head: t("proxmox.col_instance"), isName: true, sort: (one) => one.name, cell: (one) => <span class="px-instance">{one.name} <Badge>{t(`proxmox.kind.${one.kind}`)}</Badge></span> },
            { key: "state", head: t("proxmox.col_state"), sort: pollState, cell: (one) => <Status tone={POLL_TONES[pollState(one)]}>{t(`proxmox.poll.${pollState(one)}`)}</Status> },
            { key: "host", head: t("proxmox.col_address"), wideOnly: true, cell: (one) => <code>{one.host}</code> },
            { key: "collector", head: t("proxmox.col_collector"), wideOnly: true, cell: (one) => (one.collector_id === undefined ? <span class="muted">{t("proxmox.any_collector")}</span> : <a href={`/ui/hosts/${one.collector_id}`}>{hostName(one.collector_id)}</a>) },
            { key: "polled", head: t("proxmox.col_polled"), align: "right", sort: (one) => one.polled_at_ms, cell: (one) => (one.polled_at_ms === null ? t("common.never") : ago(one.polled_at_ms / 1000, serverNowMs())) },
            { key: "took", head: t("proxmox.col_took"), align: "right", wideOnly: true, sort: (one) => one.took_ms, cell: (one) => (one.polled_at_ms === null ? "–" : `${number(one.took_ms)} ms`) },
          ]}
        />
      </Card>
    </>
  );
}

function trouble(instance: Instance): string {
  const state = pollState(instance);
  if (state === "waiting") return t("proxmox.trouble_waiting");
  if (state === "locked_out") return t("proxmox.trouble_locked_out");
  return instance.error || t("proxmox.trouble_silent");
}

/** The page of the host that a node or guest is in the fleet, where its name says which. */
export function hostHref(classes: readonly string[], name: string): string | undefined {
  const found = [...hosts.value.values()].filter((host) => classes.includes(host.class ?? "") && host.name === name);
  return found.length === 1 && found[0] ? `/ui/hosts/${found[0].id}` : undefined;
}

export function HostName({ classes, name }: { classes: readonly string[]; name: string }) {
  const href = hostHref(classes, name);
  return href ? <a class="px-name" href={href}>{name}</a> : <span class="px-name">{name}</span>;
}

function NodeCard({ node, guests }: { node: Node; guests: readonly Guest[] }) {
  const own = guests.filter((guest) => guest.instance === node.instance && guest.node === node.name);
  const running = own.filter((guest) => guest.status === "running").length;
  const isUp = node.status === "online";
  return (
    <li class={isUp ? "px-node" : "px-node px-node-down"}>
      <div class="px-node-head">
        <h2><HostName classes={["node"]} name={node.name} /></h2>
        <Status tone={isUp ? "ok" : node.status === "offline" ? "bad" : "neutral"}>{t(`proxmox.node.${node.status}`)}</Status>
      </div>
      <p class="px-node-about">{[node.clusterName || node.instance, node.pveVersion, isUp ? t("proxmox.up", { time: duration(node.uptime) }) : ""].filter(Boolean).join(" · ")}</p>
      {isUp && (
        <>
          <dl class="px-meters">
            <MeterLine label={t("proxmox.cpu")} share={node.cpu * 100} of={node.cpuInfo.cores > 0 ? t("proxmox.cores", { count: node.cpuInfo.cores }) : ""} />
            <AmountLine label={t("proxmox.memory")} amount={node.memory} />
            <AmountLine label={t("proxmox.disk")} amount={node.disk} />
          </dl>
          <p class="px-node-foot">
            <span>{t("proxmox.running_of", { running, count: own.length })}</span>
            {node.loadAverage.length > 0 && <span>{t("proxmox.load")} {node.loadAverage.map((load) => number(load, 2)).join(" ")}</span>}
          </p>
        </>
      )}
    </li>
  );
}

function PbsCard({ server }: { server: Pbs }) {
  const isUp = server.status === "online";
  return (
    <li class={isUp ? "px-node" : "px-node px-node-down"}>
      <div class="px-node-head">
        <h2><HostName classes={["pbs"]} name={server.name} /></h2>
        <Status tone={isUp ? "ok" : "bad"}>{t(`proxmox.node.${server.status}`)}</Status>
      </div>
      <p class="px-node-about">{t("proxmox.kind_long.pbs")}{/^\d/.test(server.version) && ` · ${server.version}`}</p>
      {isUp && (
        <dl class="px-meters">
          <MeterLine label={t("proxmox.cpu")} share={server.cpu * 100} of="" />
          <MeterLine label={t("proxmox.memory")} share={server.memory} of={server.memoryTotal > 0 ? `${bytes(server.memoryUsed)} / ${bytes(server.memoryTotal)}` : ""} />
          {server.datastores.map((store) => <AmountLine key={store.name} label={store.name} amount={store} />)}
        </dl>
      )}
    </li>
  );
}

export function MeterLine({ label, share, of }: { label: string; share: number; of: string }) {
  return (
    <div class="px-meter">
      <dt>{label}</dt>
      <dd class="px-meter-of">{of !== "" && <span class="muted">{of}</span>}<b>{percent(share)}</b></dd>
      <dd class="px-meter-bar"><Meter label={label} value={share} text={null} /></dd>
    </div>
  );
}

function AmountLine({ label, amount }: { label: string; amount: Pick<Amount, "used" | "total" | "usage"> }) {
  return <MeterLine label={label} share={amount.usage} of={amount.total > 0 ? `${bytes(amount.used)} / ${bytes(amount.total)}` : ""} />;
}
