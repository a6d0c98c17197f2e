// Alerts: what is not as it should be, what was not, and what happened.

import en from "../../messages/en/alerts.json";
import zh from "../../messages/zh/alerts.json";
import { useEffect, useMemo, useState } from "preact/hooks";

import { register, t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { location, setQuery } from "../../app/router.ts";
import { session } from "../../app/session.ts";
import "../rules/messages.ts";
import { openAlerts } from "../rules/api.ts";
import { LinkButton, PageHeader, Tabs } from "../../ui/index.ts";
import { ActiveAlerts } from "./active.tsx";
import { Events } from "./events.tsx";
import { History } from "./history.tsx";
import "./alerts.css";

register("alerts", { en, zh });

const TABS = ["active", "history", "events"] as const;
/** An alert that begins is seen within so many seconds. */
const EVERY_S = 10;

export default function Page() {
  const { query } = location.value;
  const tab = TABS.find((one) => one === query.get("tab")) ?? "active";
  const open = useLoad("alerts.open", openAlerts, { everyS: EVERY_S });
  const unknown = useMemo(() => (open.data ?? []).filter((alert) => alert.acknowledged_at_s === null).length, [open.data]);
  const [over, setOver] = useState<number>();
  const counts: Partial<Record<string, number>> = { active: open.data?.length, history: over };
  const tabs = TABS.map((id) => ({ id, label: t(`alerts.tab.${id}`), count: counts[id] }));
  // A tab among others says how many wait for somebody.
  useEffect(() => {
    document.title = `${unknown > 0 ? `(${unknown}) ` : ""}${t("alerts.title")} · Edgewatch`;
  }, [unknown]);
  const choose = (id: string): void => setQuery({ tab: id === "active" ? null : id, kind: null });
  return (
    <>
      <PageHeader title={t("alerts.title")} actions={session.value?.isAdmin && <LinkButton href="/ui/rules">{t("alerts.rules")}</LinkButton>} />
      <div class="alert-tabs"><Tabs label={t("alerts.title")} tabs={tabs} active={tab} onChange={choose} /></div>
      {tab === "active" && <ActiveAlerts open={open} />}
      {tab === "history" && <History onCount={setOver} />}
      {tab === "events" && <Events />}
    </>
  );
}
