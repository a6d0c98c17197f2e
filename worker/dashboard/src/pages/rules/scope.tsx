// Which hosts: all, all but some or some, and of which groups. Probes choose theirs by the same means.

import { useMemo, useState } from "preact/hooks";

import "./messages.ts";
import { t } from "../../app/i18n.ts";
import { hosts } from "../../live/store.ts";
import { Field, TextInput, compareTexts } from "../../ui/index.ts";
import { hostGroups, hostName } from "./api.ts";
import type { Reach } from "./rule.ts";

export interface Scope {
  reach: Reach;
  hosts: number[];
  groups: string[];
}

/** So many rows are drawn; who has more hosts filters. */
const MOST_ROWS = 200;

export function ScopeFields({ scope, onChange, errors, withGroups = true }: { scope: Scope; onChange: (changes: Partial<Scope>) => void; errors?: Record<string, string>; withGroups?: boolean }) {
  const groups = [...new Set([...hostGroups(), ...scope.groups])];
  return (
    <>
      <Field group label={t("rules.hosts")} hint={scope.reach === "only" ? undefined : t("rules.reach_hint")} error={errors?.hosts}>
        <Choice name="reach" value={scope.reach} options={(["all", "except", "only"] as const).map((value) => ({ value, label: t(`rules.reach.${value}`) }))} onChange={(reach) => onChange({ reach })} />
        {scope.reach !== "all" && <HostPicker chosen={scope.hosts} onChange={(chosen) => onChange({ hosts: chosen })} />}
      </Field>
      {withGroups && (
        <Field group label={t("rules.groups")} hint={groups.length > 0 ? t("rules.groups_hint") : t("rules.groups_none")} error={errors?.groups}>
          {groups.length > 0 && (
            <div class="rule-chips">
              {groups.map((group) => (
                <label key={group} class="rule-chip">
                  <input
                    type="checkbox"
                    checked={scope.groups.includes(group)}
                    onChange={(event) => onChange({ groups: event.currentTarget.checked ? [...scope.groups, group] : scope.groups.filter((one) => one !== group) })}
                  />
                  <span>{group}</span>
                </label>
              ))}
            </div>
          )}
        </Field>
      )}
    </>
  );
}

/** A choice of few, side by side. */
export function Choice<T extends string>({ name, value, options, onChange }: { name: string; value: T; options: readonly { value: T; label: string }[]; onChange: (value: T) => void }) {
  return (
    <div class="rule-choice">
      {options.map((option) => (
        <label key={option.value} class="rule-choice-one">
          <input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onChange(option.value)} />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

/** Hosts to choose from, the chosen ones first. */
export function HostPicker({ chosen, onChange }: { chosen: number[]; onChange: (chosen: number[]) => void }) {
  const [filter, setFilter] = useState("");
  // What was chosen when the list was opened stands first; it does not jump while one chooses.
  const [first] = useState(() => new Set(chosen));
  const all = useMemo(() => {
    const known = [...hosts.value.values()].map((host) => ({ id: host.id, name: host.name, tag: host.tag ?? "" }));
    const gone = [...first].filter((id) => !hosts.value.has(id)).map((id) => ({ id, name: hostName(id), tag: "" }));
    const rank = (id: number) => (first.has(id) ? 0 : 1);
    return [...known, ...gone].sort((one, other) => rank(one.id) - rank(other.id) || compareTexts(one.name, other.name));
  }, [hosts.value.size, first]);
  const wanted = filter.trim().toLowerCase();
  const shown = all.filter((host) => wanted === "" || `${host.name} ${host.tag}`.toLowerCase().includes(wanted));
  const picked = new Set(chosen);
  return (
    <div class="rule-picker">
      <div class="rule-picker-head">
        <TextInput type="search" value={filter} onInput={setFilter} placeholder={t("rules.pick_filter")} aria-label={t("rules.pick_filter")} />
        <span class="muted">{t("rules.picked", { count: chosen.length })}</span>
      </div>
      <div class="rule-picker-list" role="group" aria-label={t("rules.pick_hosts")} tabIndex={0}>
        {shown.slice(0, MOST_ROWS).map((host) => (
          <label key={host.id} class="rule-picker-row">
            <input
              type="checkbox"
              checked={picked.has(host.id)}
              onChange={(event) => onChange(event.currentTarget.checked ? [...chosen, host.id].sort((one, other) => one - other) : chosen.filter((id) => id !== host.id))}
            />
            <span class="rule-picker-name">{host.name}</span>
            {host.tag !== "" && <span class="muted">{host.tag}</span>}
          </label>
        ))}
        {shown.length === 0 && <p class="muted rule-picker-none">{t("rules.pick_none")}</p>}
        {shown.length > MOST_ROWS && <p class="muted rule-picker-none">+ {shown.length - MOST_ROWS}</p>}
      </div>
    </div>
  );
}
