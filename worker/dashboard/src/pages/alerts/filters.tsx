// What is wanted of alerts; kept in the address, so that a view can be shared.

import { t } from "../../app/i18n.ts";
import { location, setQuery } from "../../app/router.ts";
import { Button, Select, TextInput } from "../../ui/index.ts";
import { EVENT_KINDS, KINDS, SINCE, type Filter } from "./alert.ts";

/** The filter in the address. */
export function filterNow(): Filter & { since: string } {
  const { query } = location.value;
  const word = (name: string): string => query.get(name) ?? "";
  const since = SINCE.has(word("since")) ? word("since") : "week";
  return { host: word("host"), kind: word("kind"), severity: word("severity"), rule: word("rule"), since };
}

const set = (name: string) => (value: string) => setQuery({ [name]: value === "" ? null : value });

export function Filters({ of }: { of: "active" | "history" | "events" }) {
  const filter = filterNow();
  const kinds = of === "events" ? EVENT_KINDS.map((value) => ({ value, label: t(`alerts.event.${value}`) })) : KINDS.map((value) => ({ value, label: t(`alerts.kind.${value}`) }));
  const isFiltered = [filter.host, filter.kind, filter.severity, filter.rule].some((one) => one !== "");
  return (
    <div class="alert-filters">
      <TextInput type="search" class="alert-filter-host" value={filter.host} onInput={set("host")} placeholder={t("alerts.filter_host")} aria-label={t("alerts.filter_host")} />
      <Select aria-label={t("alerts.filter_kind")} value={filter.kind} onChange={set("kind")} options={[{ value: "", label: t("alerts.any_kind") }, ...kinds]} />
      {of !== "events" && (
        <Select
          aria-label={t("alerts.severity")}
          value={filter.severity}
          onChange={set("severity")}
          options={[{ value: "", label: t("alerts.any_severity") }, ...["critical", "warning", "unknown"].map((value) => ({ value, label: t(`alerts.severity.${value}`) }))]}
        />
      )}
      {of !== "active" && (
        <Select aria-label={t("alerts.since")} value={filter.since} onChange={set("since")} options={[...SINCE.keys()].map((value) => ({ value, label: t(`alerts.since.${value}`) }))} />
      )}
      {isFiltered && <Button kind="quiet" onClick={() => setQuery({ host: null, kind: null, severity: null, rule: null })}>{t("alerts.clear_filter")}</Button>}
    </div>
  );
}
