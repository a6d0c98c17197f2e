// Alerts that are over.

import { useEffect } from "preact/hooks";

import { get } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { session } from "../../app/session.ts";
import { isKnown, serverNowMs } from "../../live/store.ts";
import { Card } from "../../ui/index.ts";
import { hostName, V1 } from "../rules/api.ts";
import { isWanted, readOn, SINCE, type Alert } from "./alert.ts";
import { Filters, filterNow } from "./filters.tsx";
import { Foot, Nothing } from "./foot.tsx";
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
        <Nothing list={list} title={t("alerts.history_empty")} hint={t("alerts.history_empty_hint")} />
      </Card>
      <Foot list={list} />
    </>
  );
}
