// What is not as it should be now. Empty is good news, and says so.

import { useState } from "preact/hooks";

import { ago } from "../../app/format.ts";
import { get, send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { useLoad, type Loaded } from "../../app/load.ts";
import { session } from "../../app/session.ts";
import { hosts, serverNowMs } from "../../live/store.ts";
import { Button, Card, Dialog, Empty, ErrorNote, Field, LinkButton, Spinner, TextArea, toast, useForm } from "../../ui/index.ts";
import { hostName, V1 } from "../rules/api.ts";
import { byUrgency, isWanted, subject, type Alert } from "./alert.ts";
import { Filters, filterNow } from "./filters.tsx";
import { AlertRow } from "./row.tsx";

export function ActiveAlerts({ open }: { open: Loaded<Alert[]> }) {
  const [chosen, setChosen] = useState<Alert | null>(null);
  const filter = filterNow();
  const all = open.data ?? [];
  const shown = all.filter((alert) => isWanted(alert, filter, hostName)).sort(byUrgency);
  const isAdmin = session.value?.isAdmin ?? false;
  if (open.data === undefined) return open.error ? <ErrorNote error={open.error} retry={open.again} /> : <Spinner />;
  return (
    <>
      <ErrorNote error={open.error} retry={open.again} />
      {all.length > 0 && <Filters of="active" />}
      <Card flush>
        {all.length === 0 && <AllIsWell />}
        {all.length > 0 && shown.length === 0 && <Empty title={t("alerts.none_match")} />}
        {shown.length > 0 && (
          <ul class="alert-list">
            {shown.map((alert) => <AlertRow key={alert.key} alert={alert} isAdmin={isAdmin} isLinked={isAdmin || alert.source !== "rule"} onAcknowledge={setChosen} />)}
          </ul>
        )}
      </Card>
      {chosen && <Acknowledge alert={chosen} onClose={() => setChosen(null)} onDone={() => { setChosen(null); open.again(); }} />}
    </>
  );
}

/** Good news, with what it is good news about. */
function AllIsWell() {
  const last = useLoad("alerts.last", async (signal) => {
    const reply = await get<{ alerts: Alert[] }>(`${V1}/alerts`, { state: "all", limit: 20 }, signal);
    return Math.max(0, ...reply.alerts.map((alert) => alert.closed_at_s ?? 0));
  });
  const all = [...hosts.value.values()];
  const online = all.filter((host) => host.presence === "online").length;
  const offline = all.filter((host) => host.presence === "offline").length;
  return (
    <div class="alert-well">
      <svg class="alert-well-mark" viewBox="0 0 48 48" width="48" height="48" aria-hidden="true">
        <circle cx="24" cy="24" r="22" />
        <path d="m14.5 24.500 6.700 6.700 12.800-13.200" />
      </svg>
      <p class="alert-well-title">{t(offline > 0 ? "alerts.quiet" : "alerts.well")}</p>
      <p class="muted">
        {t("alerts.well_online", { count: online })}
        {offline > 0 && <> {t("alerts.well_offline", { count: offline })}</>}
        {last.data !== undefined && <> {last.data > 0 ? t("alerts.well_last", { when: ago(last.data, serverNowMs()) }) : t("alerts.well_never")}</>}
      </p>
      {session.value?.isAdmin && <LinkButton small href="/ui/rules">{t("alerts.rules")}</LinkButton>}
    </div>
  );
}

function Acknowledge({ alert, onClose, onDone }: { alert: Alert; onClose: () => void; onDone: () => void }) {
  const isNew = alert.acknowledged_at_s === null;
  const form = useForm({ note: alert.note ?? "" }, async (values) => {
    await send("POST", `${V1}/alerts/${encodeURIComponent(alert.key)}/acknowledge`, { note: values.note });
    toast(t(isNew ? "alerts.acknowledged" : "alerts.note_saved"), "ok");
    onDone();
  });
  const name = alert.host_id === null ? undefined : hosts.value.get(alert.host_id)?.name;
  const title = [name, subject(alert.text, name)].filter(Boolean).join(": ");
  return (
    <Dialog
      title={t(isNew ? "alerts.acknowledge_title" : "alerts.note")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit" form="alert-acknowledge" busy={form.busy}>{t(isNew ? "alerts.acknowledge" : "common.save")}</Button>
        </>
      }
    >
      <form id="alert-acknowledge" class="ui-form" onSubmit={form.onSubmit}>
        <p><b>{title}</b></p>
        {isNew && <p class="muted">{t("alerts.acknowledge_about")}</p>}
        <Field label={t("alerts.note")} hint={t("alerts.note_hint")} error={form.errors.note}>
          <TextArea value={form.values.note} onInput={(note) => form.set({ note })} maxLength={2000} rows={3} autofocus />
        </Field>
        <ErrorNote error={form.error} />
      </form>
    </Dialog>
  );
}
