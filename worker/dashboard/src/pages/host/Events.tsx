// What happened to a host, and what of it is not as it should be now.

import { useState } from "preact/hooks";

import { ago, dateTime } from "../../app/format.ts";
import { t } from "../../app/i18n.ts";
import type { EventPart } from "../../charts/gaps.ts";
import { serverNowMs } from "../../live/store.ts";
import { Badge, Status, type Tone } from "../../ui/feedback.tsx";
import { Table } from "../../ui/layout.tsx";
import { useAlerts } from "./data.ts";

const TONES: Record<string, Tone> = {
  host_offline: "bad", host_online: "ok", alert_fired: "bad", alert_changed: "warn", alert_reminder: "warn", alert_escalated: "bad", alert_recovered: "ok",
  alert_withdrawn: "neutral", address_changed: "accent", duplicate_machine: "warn", nobody_told: "warn",
};
const FIRST = 12;

export function Happenings({ id, events, only }: { id: number; events: readonly EventPart[] | undefined; only: "alerts" | "events" }) {
  return only === "alerts" ? <Alerts id={id} /> : <Events events={events ?? []} />;
}

function Alerts({ id }: { id: number }) {
  const alerts = useAlerts(id).data ?? [];
  if (alerts.length === 0) return null;
  return (
    <section class="host-alerts" aria-label={t("host.alerts")}>
      <ul>
        {alerts.map((alert) => (
          <li key={alert.key}>
            <span class="host-alert-text">{alert.text}{alert.detail !== "" && <span class="muted"> · {alert.detail}</span>}</span>
            {alert.acknowledged_at_s !== null && <Badge>{t("host.acknowledged")}</Badge>}
            <time class="muted" dateTime={new Date(alert.opened_at_s * 1000).toISOString()} title={dateTime(alert.opened_at_s)}>{ago(alert.opened_at_s, serverNowMs())}</time>
          </li>
        ))}
      </ul>
      <a href="/ui/alerts">{t("host.to_alerts")}</a>
    </section>
  );
}

function Events({ events }: { events: readonly EventPart[] }) {
  const [all, setAll] = useState(false);
  if (events.length === 0) return null;
  const rows = all ? events : events.slice(0, FIRST);
  return (
    <section class="host-section" aria-labelledby="host-events">
      <div class="host-section-head"><h2 id="host-events">{t("host.events")}</h2></div>
      <div class="ui-card">
        <Table
          caption={t("host.events")}
          rows={rows}
          rowKey={(event) => event.key}
          columns={[
            { key: "at", head: t("charts.time"), cell: (event) => <time class="host-when" dateTime={new Date(event.at_s * 1000).toISOString()}>{dateTime(event.at_s)}</time> },
            { key: "kind", head: t("host.kind"), wideOnly: true, cell: (event) => <Status tone={TONES[event.kind] ?? "neutral"}>{word(event.kind)}</Status> },
            { key: "text", head: t("host.event"), isName: true, cell: (event) => <span class="host-event">{event.text}</span> },
          ]}
        />
        {rows.length < events.length && <button type="button" class="host-unfold" onClick={() => setAll(true)}>{t("host.all_events", { count: events.length })}</button>}
      </div>
    </section>
  );
}

/** A kind of event in words; one of a newer version as it is called. */
function word(kind: string): string {
  const key = `host.event_${kind}`;
  const text = t(key);
  return text === key ? kind.replaceAll("_", " ") : text;
}
