// Alerts that are over.

import { useEffect } from "preact/hooks";

import { get } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { session } from "../../app/session.ts";
import { isKnown, serverNowMs } from "../../live/store.ts";
import { Button, Card, Empty, ErrorNote, Spinner } from "../../ui/index.ts";
import { hostName, V1 } from "../rules/api.ts";
import { isWanted, readOn, SINCE, type Alert } from "./alert.ts";
import { Filters, filterNow } from "./filters.tsx";
import { usePaged } from "./paged.ts";
import { AlertRow } from "./row.tsx";

const ENOUGH = 50;
const PAGE = 200;

/** `onCount` hears how many there are in this time, where all of them are known. */
export function History({ onCount }: { onCount: (count: number | undefined) => void }) {
  const filter = filterNow();
  const list = usePaged<Alert>(`${isKnown.value} ${JSON.stringify(filter)}`, (from) => {
    const oldestS = serverNowMs() / 1000 - (SINCE.get(filter.since) ?? Infinity);
    const ask = async (cursor: string | null) => {
      const reply = await get<{ alerts: Alert[]; cursor: string | null }>(`${V1}/alerts`, { state: "all", limit: PAGE, cursor: cursor ?? undefined });
      return { rows: reply.alerts, cursor: reply.cursor };
    };
    return readOn(ask, from, { enough: ENOUGH, oldestS, at: (alert) => alert.opened_at_s, wanted: (alert) => alert.closed_at_s !== null && isWanted(alert, filter, hostName) });
  });
  const count = list.busy || list.isMore || list.error ? undefined : list.rows.length;
  useEffect(() => onCount(count), [count]);
  const isAdmin = session.value?.isAdmin ?? false;
  return (
    <>
      <Filters of="history" />
      <Card flush>
        {list.rows.length > 0 && (
          <ul class="alert-list alert-over">
            {list.rows.map((alert) => <AlertRow key={alert.key} alert={alert} isAdmin={isAdmin} isLinked={isAdmin || alert.source !== "rule"} />)}
          </ul>
        )}
        {list.rows.length === 0 && !list.busy && !list.error && <Empty title={t("alerts.history_empty")}>{t("alerts.history_empty_hint")}</Empty>}
        {list.busy && <Spinner />}
      </Card>
      <ErrorNote error={list.error} retry={list.again} />
      <p class="alert-foot">
        <span class="muted" role="status">{list.busy ? "" : t(list.isMore ? "alerts.shown_more" : "alerts.shown_all", { count: list.rows.length })}</span>
        {list.isMore && <Button onClick={list.more}>{t("alerts.older")}</Button>}
      </p>
    </>
  );
}
