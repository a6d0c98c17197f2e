// One alert as a row: how bad, where, what, since when, and who knows.

import { ago, dateTime, duration } from "../../app/format.ts";
import { locale, t } from "../../app/i18n.ts";
import { hosts, serverNowMs } from "../../live/store.ts";
import { Badge, Button, type Tone } from "../../ui/index.ts";
import { hostName } from "../rules/api.ts";
import { kindOfAlert, subject, type Alert } from "./alert.ts";

const TONES: Record<Alert["severity"], Tone> = { critical: "bad", warning: "warn", unknown: "neutral" };

export function SeverityBadge({ severity }: { severity: Alert["severity"] }) {
  return <Badge tone={TONES[severity]} dot>{t(`alerts.severity.${severity}`)}</Badge>;
}

/** The host, as a link where there still is one. */
export function HostLink({ id }: { id: number | null }) {
  if (id === null) return <span class="muted">–</span>;
  return hosts.value.has(id) ? <a href={`/ui/hosts/${id}`}>{hostName(id)}</a> : <span>{hostName(id)}</span>;
}

/** What found it, as a link to it. */
function sourceHref(alert: Alert): string | undefined {
  switch (kindOfAlert(alert)) {
    case "rule":
      return `/ui/rules/${alert.source_id}`;
    case "probe":
      return `/ui/probes/${alert.source_id}`;
    default:
      return undefined;
  }
}

/** Who acknowledged it. */
export function acknowledger(alert: Alert): string {
  if (alert.acknowledged_by_name) return alert.acknowledged_by_name;
  const [what, number] = (alert.acknowledged_by ?? "").split(":");
  return what === "token" ? t("alerts.by_token", { id: number ?? "" }) : t("alerts.by_user", { id: number ?? "" });
}

/** A time without what goes without saying: today's has no date, and no time has seconds. */
function shortTime(unixS: number, nowS: number): string {
  const [at, now] = [new Date(unixS * 1000), new Date(nowS * 1000)];
  const isToday = at.toDateString() === now.toDateString();
  const day: Intl.DateTimeFormatOptions = isToday ? {} : { month: "short", day: "numeric", ...(at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }) };
  return new Intl.DateTimeFormat(locale(), { ...day, hour: "2-digit", minute: "2-digit", hour12: false }).format(at);
}

export function AlertRow({ alert, isAdmin, isLinked, onAcknowledge }: { alert: Alert; isAdmin: boolean; isLinked: boolean; onAcknowledge?: (alert: Alert) => void }) {
  const name = alert.host_id === null ? undefined : hosts.value.get(alert.host_id)?.name;
  const what = subject(alert.text, name);
  const href = isLinked ? sourceHref(alert) : undefined;
  const nowS = serverNowMs() / 1000;
  const isOpen = alert.closed_at_s === null;
  const known = alert.acknowledged_at_s !== null;
  return (
    <li class={known && isOpen ? "alert-row alert-known" : "alert-row"} data-key={alert.key} data-severity={isOpen ? alert.severity : undefined}>
      <div class="alert-badge">{isOpen ? <SeverityBadge severity={alert.severity} /> : <Badge tone="neutral">{t(`alerts.severity.${alert.severity}`)}</Badge>}</div>
      <div class="alert-main">
        <p class="alert-what">
          {alert.host_id !== null && <span class="alert-host"><HostLink id={alert.host_id} /></span>}
          {href ? <a class="alert-subject" href={href}>{what}</a> : <span class="alert-subject">{what}</span>}
        </p>
        <p class="alert-meta">
          <span>{t(`alerts.source.${alert.source}`)}</span>
          {alert.detail !== "" && <span class="alert-detail">{alert.detail}</span>}
        </p>
        {known && (
          <p class="alert-note">
            <span>{t("alerts.known_by", { who: acknowledger(alert), when: ago(alert.acknowledged_at_s, serverNowMs()) })}</span>
            {alert.note && <q>{alert.note}</q>}
          </p>
        )}
      </div>
      <div class="alert-when">
        {isOpen ? (
          <span>{duration(nowS - alert.opened_at_s)}</span>
        ) : (
          <span title={dateTime(alert.opened_at_s)}>{shortTime(alert.opened_at_s, nowS)}</span>
        )}
        <span class="muted" title={dateTime(alert.opened_at_s)}>{isOpen ? t("alerts.since_at", { time: shortTime(alert.opened_at_s, nowS) }) : t("alerts.lasted", { time: duration((alert.closed_at_s ?? 0) - alert.opened_at_s) })}</span>
      </div>
      {onAcknowledge && isAdmin && (
        <div class="alert-do">
          {known ? (
            <Button small kind="quiet" onClick={() => onAcknowledge(alert)} aria-label={`${t("alerts.change_note")}: ${what}`}>{t("alerts.change_note")}</Button>
          ) : (
            <Button small onClick={() => onAcknowledge(alert)} aria-label={`${t("alerts.acknowledge")}: ${name ?? ""} ${what}`}>{t("alerts.acknowledge")}</Button>
          )}
        </div>
      )}
    </li>
  );
}
