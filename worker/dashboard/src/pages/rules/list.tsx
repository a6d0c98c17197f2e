// The list of rules: what each watches in words, whether it is on, and how many alerts it has now.

import { useMemo, useState } from "preact/hooks";

import { asApiError, send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { hosts } from "../../live/store.ts";
import { Badge, Button, Card, Empty, ErrorNote, LinkButton, PageHeader, Spinner, Switch, TextInput, compareTexts, confirm, describe, toast } from "../../ui/index.ts";
import { allRules, hostName, openAlerts, V1 } from "./api.ts";
import { CopyDialog } from "./copy.tsx";
import { QuietHours } from "./quiet.tsx";
import { bodyOf, kindOf, reaches, type Rule } from "./rule.ts";
import { conditionShort, scopeWords } from "./words.ts";

export function RuleList() {
  const rules = useLoad("rules", allRules);
  const open = useLoad("rules.open", openAlerts, { everyS: 15 });
  const [filter, setFilter] = useState("");
  const [copied, setCopied] = useState<Rule | null>(null);
  const firing = useMemo(() => {
    const counts = new Map<number, number>();
    for (const alert of open.data ?? []) {
      if (alert.source === "rule") counts.set(alert.source_id, (counts.get(alert.source_id) ?? 0) + 1);
    }
    return counts;
  }, [open.data]);
  const all = rules.data ?? [];
  const wanted = filter.trim().toLowerCase();
  const shown = all
    .filter((rule) => wanted === "" || `${rule.name} ${rule.group} ${(rule.tags ?? []).join(" ")} ${rule.conditions.map(conditionShort).join(" ")}`.toLowerCase().includes(wanted))
    .sort((one, other) => compareTexts(one.name, other.name));

  return (
    <>
      <PageHeader title={t("rules.title")} actions={<LinkButton kind="primary" href="/ui/rules/new">{t("rules.new")}</LinkButton>} />
      <p class="rule-about">{t("rules.about")}</p>
      <ErrorNote error={rules.error} retry={rules.again} />
      <Card
        flush
        actions={all.length > 6 ? <TextInput type="search" class="rule-filter" value={filter} onInput={setFilter} aria-label={t("rules.filter")} placeholder={t("rules.filter")} /> : undefined}
      >
        {rules.data === undefined && !rules.error && <Spinner />}
        {rules.data !== undefined && all.length === 0 && (
          <Empty title={t("rules.empty_title")} action={<LinkButton kind="primary" href="/ui/rules/new">{t("rules.new")}</LinkButton>}>{t("rules.empty")}</Empty>
        )}
        {all.length > 0 && shown.length === 0 && <Empty title={t("rules.none_match")} />}
        {shown.length > 0 && (
          <ul class="rule-list">
            {shown.map((rule) => (
              <Row key={rule.id} rule={rule} firing={firing.get(rule.id) ?? 0} onChange={() => { rules.again(); open.again(); }} onCopy={() => setCopied(rule)} />
            ))}
          </ul>
        )}
      </Card>
      <QuietHours />
      {copied && <CopyDialog rule={copied} onClose={() => setCopied(null)} onDone={() => { setCopied(null); rules.again(); }} />}
    </>
  );
}

function Row({ rule, firing, onChange, onCopy }: { rule: Rule; firing: number; onChange: () => void; onCopy: () => void }) {
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<unknown>, said: string): Promise<void> => {
    setBusy(true);
    try {
      await work();
      toast(said, "ok");
      onChange();
    } catch (error) {
      toast(describe(asApiError(error)), "bad");
    } finally {
      setBusy(false);
    }
  };
  const toggle = (enabled: boolean): void => {
    const said = t(enabled ? "rules.switched_on" : "rules.switched_off", { name: rule.name });
    void run(() => send("PUT", `${V1}/rules/${rule.id}`, { ...bodyOf(rule), enabled }), said);
  };
  const remove = async (): Promise<void> => {
    if (!(await confirm(t("rules.delete_sure", { name: rule.name }), { action: t("rules.delete"), danger: true }))) return;
    await run(() => send("DELETE", `${V1}/rules/${rule.id}`), t("rules.deleted", { name: rule.name }));
  };
  const count = [...hosts.value.values()].filter((host) => reaches(rule, host)).length;
  return (
    <li class={rule.enabled ? "rule-row" : "rule-row rule-off"}>
      <Switch checked={rule.enabled} disabled={busy} onChange={toggle} label={<span class="unseen">{t("rules.enabled_of", { name: rule.name })}</span>} />
      <div class="rule-main">
        <div class="rule-head">
          <a class="rule-name" href={`/ui/rules/${rule.id}`}>{rule.name}</a>
          <Badge>{t(`rules.kind.${kindOf(rule)}`)}</Badge>
          {firing > 0 && <a href={`/ui/alerts?rule=${rule.id}`}><Badge tone="bad" dot>{t("rules.firing", { count: firing })}</Badge></a>}
        </div>
        <p class="rule-when">{rule.conditions.map((condition, at) => <span key={at}>{at > 0 && <b> {t("rules.and")} </b>}{conditionShort(condition)}</span>)}</p>
        <p class="rule-meta">
          <span>{scopeWords(rule, hostName)}</span>
          <span>{t("rules.reach", { count })}</span>
          <span>{t("rules.col_group")} {rule.group || t("rules.default_group")}</span>
        </p>
      </div>
      <div class="rule-actions">
        <LinkButton small kind="quiet" href={`/ui/rules/${rule.id}`} aria-label={`${t("rules.edit")} ${rule.name}`}>{t("rules.edit")}</LinkButton>
        <LinkButton small kind="quiet" href={`/ui/rules/new?from=${rule.id}`} aria-label={`${t("rules.duplicate")} ${rule.name}`}>{t("rules.duplicate")}</LinkButton>
        <Button small kind="quiet" onClick={onCopy} aria-label={`${t("rules.copy_to")} ${rule.name}`}>{t("rules.copy_to")}</Button>
        <Button small kind="quiet" disabled={busy} onClick={() => void remove()} aria-label={`${t("rules.delete")} ${rule.name}`}>{t("rules.delete")}</Button>
      </div>
    </li>
  );
}
