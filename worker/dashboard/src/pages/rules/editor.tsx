// The form of one rule: what it watches, where, and who is told; with a sentence beside it that says what was typed.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { ApiError, asApiError, send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { location, navigate } from "../../app/router.ts";
import { hosts } from "../../live/store.ts";
import { Button, Card, Checkbox, Empty, ErrorNote, Field, LinkButton, PageHeader, Spinner, TextInput, confirm, describe, sentence as refusalSentence, toast } from "../../ui/index.ts";
import { allRules, heardGroups, hostName, V1 } from "./api.ts";
import { ConditionFields, SpanInput } from "./condition.tsx";
import { bodyOf, emptyCondition, emptyDraft, freshKey, fromDraft, placeOf, reaches, toDraft, type Draft, type Errors, type Kind, type Mistake, type Repeat, type Rule } from "./rule.ts";
import { Choice, ScopeFields } from "./scope.tsx";
import { sentence } from "./words.ts";

const say = (mistake: Mistake): string => t(`rules.mistake.${mistake}`);

/** `id` is a number, or `new`; then the query may say of which kind, or which rule it is to be like. */
export function RuleEditor({ id }: { id: string }) {
  const { query } = location.value;
  const from = id === "new" ? query.get("from") : id;
  const rules = useLoad("rules", allRules);
  const groups = useLoad("channels", heardGroups);
  const found = rules.data?.find((rule) => String(rule.id) === from);
  if (from !== null && rules.data === undefined) {
    return (
      <>
        <PageHeader title={t("rules.edit_title")} />
        {rules.error ? <ErrorNote error={rules.error} retry={rules.again} /> : <Spinner />}
      </>
    );
  }
  if (from !== null && found === undefined) {
    return (
      <>
        <PageHeader title={t("rules.edit_title")} />
        <Card><Empty title={t("rules.not_found")} action={<LinkButton href="/ui/rules">{t("rules.back")}</LinkButton>} /></Card>
      </>
    );
  }
  const copy = id === "new" && found !== undefined ? { ...found, name: t("rules.copy_suffix", { name: found.name }) } : found;
  const kind = query.get("kind");
  const first = copy ? toDraft(copy) : emptyDraft(kind === "silent" || kind === "transfer" ? kind : "limit");
  return <RuleForm first={first} rule={id === "new" ? undefined : found} isCopy={id === "new" && found !== undefined} groups={groups.data ?? []} areGroupsKnown={groups.data !== undefined} />;
}

interface FormProps {
  first: Draft;
  rule: Rule | undefined;
  isCopy: boolean;
  groups: string[];
  areGroupsKnown: boolean;
}

function RuleForm({ first, rule, isCopy, groups, areGroupsKnown }: FormProps) {
  const [draft, setDraft] = useState(first);
  const [errors, setErrors] = useState<Errors>({});
  const [refusal, setRefusal] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [isChanged, setChanged] = useState(false);
  const set = (changes: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...changes }));
    setErrors((before) => Object.fromEntries(Object.entries(before).filter(([place]) => !Object.keys(changes).some((key) => place === key || place.startsWith(`${key}.`) || key === "escalations" && place.startsWith("escalate")))));
    setRefusal(null);
    setChanged(true);
  };

  // Whoever leaves with unsaved changes by closing the tab is asked.
  useEffect(() => {
    if (!isChanged) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isChanged]);

  const save = async (event: { preventDefault(): void }): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const read = fromDraft(draft, say);
    if ("errors" in read) {
      setErrors(read.errors);
      requestAnimationFrame(() => document.querySelector<HTMLElement>(".rule-form [aria-invalid]")?.focus());
      return;
    }
    setBusy(true);
    try {
      const saved = rule
        ? await send<{ warnings?: string[] }>("PUT", `${V1}/rules/${rule.id}`, read.body)
        : await send<{ warnings?: string[] }>("POST", `${V1}/rules`, read.body);
      setChanged(false);
      toast(t("rules.saved", { name: read.body.name }), "ok");
      for (const warning of saved.warnings ?? []) toast(warning.charAt(0).toUpperCase() + warning.slice(1), "warn");
      navigate("/ui/rules");
    } catch (error) {
      const thrown = asApiError(error);
      const place = placeOf(thrown.field, draft);
      if (place !== undefined && isShown(place, draft)) {
        setErrors({ [place]: refusalSentence(thrown.message, thrown.field ?? "") });
        requestAnimationFrame(() => document.querySelector<HTMLElement>(".rule-form [aria-invalid]")?.focus());
      } else setRefusal(thrown);
    } finally {
      setBusy(false);
    }
  };
  const remove = async (): Promise<void> => {
    if (!rule || !(await confirm(t("rules.delete_sure", { name: rule.name }), { action: t("rules.delete"), danger: true }))) return;
    try {
      await send("DELETE", `${V1}/rules/${rule.id}`);
      setChanged(false);
      toast(t("rules.deleted", { name: rule.name }), "ok");
      navigate("/ui/rules");
    } catch (error) {
      toast(describe(asApiError(error)), "bad");
    }
  };

  const isNew = rule === undefined;
  const title = rule?.name ?? t(isCopy ? "rules.duplicate_title" : "rules.new");
  return (
    <>
      <PageHeader
        title={title}
        actions={
          <>
            <LinkButton href="/ui/rules">{t("rules.back")}</LinkButton>
            {rule && <LinkButton href={`/ui/rules/new?from=${rule.id}`}>{t("rules.duplicate")}</LinkButton>}
            {rule && <Button kind="danger" onClick={() => void remove()}>{t("rules.delete")}</Button>}
          </>
        }
      />
      <form class="rule-form" noValidate onSubmit={(event) => void save(event)}>
        <div class="rule-columns">
          <div class="rule-fields">
            {isNew && !isCopy && <KindCards draft={draft} onChoose={(kind) => set({ conditions: [emptyCondition(kind)] })} />}
            <Card title={t("rules.section_what")}>
              <div class="ui-form">
                <Field label={t("rules.name")} hint={t("rules.name_hint")} error={errors.name}>
                  <TextInput name="name" value={draft.name} onInput={(name) => set({ name })} maxLength={128} />
                </Field>
                {draft.conditions.map((condition, at) => (
                  <ConditionFields
                    key={condition.key}
                    condition={condition}
                    number={at + 1}
                    isOnly={draft.conditions.length === 1}
                    errors={errors}
                    onChange={(changed) => set({ conditions: draft.conditions.map((one) => (one.key === condition.key ? changed : one)) })}
                    onRemove={() => set({ conditions: draft.conditions.filter((one) => one.key !== condition.key) })}
                  />
                ))}
                {errors.conditions && <p class="ui-field-error" role="alert">{errors.conditions}</p>}
                <div class="rule-add">
                  <Button small disabled={draft.conditions.length >= 16} onClick={() => set({ conditions: [...draft.conditions, emptyCondition("limit")] })}>{t("rules.add_condition")}</Button>
                  {draft.conditions.length > 1 && <span class="ui-hint">{t("rules.all_must_hold")}</span>}
                </div>
              </div>
            </Card>
            <Card title={t("rules.section_where")}>
              <div class="ui-form">
                <ScopeFields scope={draft} onChange={set} errors={errors} />
              </div>
            </Card>
            <Card title={t("rules.section_who")}>
              <div class="ui-form"><WhoFields draft={draft} set={set} errors={errors} groups={groups} areGroupsKnown={areGroupsKnown} /></div>
            </Card>
          </div>
          <Preview draft={draft}>
            <Checkbox checked={draft.enabled} onChange={(enabled) => set({ enabled })} label={t("rules.enabled")} />
            <ErrorNote error={refusal} />
            <div class="ui-form-foot">
              <Button kind="primary" type="submit" busy={busy}>{t(isNew ? "rules.create" : "rules.save")}</Button>
              <LinkButton href="/ui/rules">{t("rules.cancel")}</LinkButton>
            </div>
          </Preview>
        </div>
      </form>
    </>
  );
}

/** Whether the form has a field at this place, so that a mistake can be shown there. */
function isShown(place: string, draft: Draft): boolean {
  if (place.startsWith("conditions.")) return true;
  if (place === "repeat_s") return draft.repeat === "every";
  return ["name", "group", "hosts", "groups", "conditions", "escalate"].includes(place);
}

function KindCards({ draft, onChoose }: { draft: Draft; onChoose: (kind: Kind) => void }) {
  const chosen = draft.conditions.length === 1 ? draft.conditions[0]?.kind : undefined;
  return (
    <fieldset class="rule-kinds">
      <legend class="ui-label">{t("rules.choose_kind")}</legend>
      {(["limit", "silent", "transfer"] as const).map((kind) => (
        <label key={kind} class="rule-kind">
          <input type="radio" name="kind" value={kind} checked={chosen === kind} onChange={() => onChoose(kind)} />
          <b>{t(`rules.kind.${kind}`)}</b>
          <span class="muted">{t(`rules.kind_about.${kind}`)}</span>
        </label>
      ))}
    </fieldset>
  );
}

function WhoFields({ draft, set, errors, groups, areGroupsKnown }: { draft: Draft; set: (changes: Partial<Draft>) => void; errors: Errors; groups: string[]; areGroupsKnown: boolean }) {
  const silent = (group: string) => areGroupsKnown && !groups.includes(group || "default");
  const change = (key: number, changes: object) => set({ escalations: draft.escalations.map((one) => (one.key === key ? { ...one, ...changes } : one)) });
  return (
    <>
      <datalist id="rule-groups">{groups.map((group) => <option key={group} value={group} />)}</datalist>
      <Field label={t("rules.group")} hint={silent(draft.group) ? <span class="rule-warn">{t("rules.group_silent")}</span> : t("rules.group_hint")} error={errors.group}>
        <TextInput class="rule-short" value={draft.group} onInput={(group) => set({ group })} list="rule-groups" placeholder={t("rules.default_group")} maxLength={64} />
      </Field>
      <Field group label={t("rules.repeat")} error={errors.repeat}>
        <Choice<Repeat> name="repeat" value={draft.repeat} options={(["never", "doubling", "every"] as const).map((value) => ({ value, label: t(`rules.repeat.${value}`) }))} onChange={(repeat) => set({ repeat })} />
      </Field>
      {draft.repeat === "every" && (
        <Field label={t("rules.repeat_every")} error={errors.repeat_s}>
          <SpanInput span={draft.every} onChange={(every) => { set({ every }); }} />
        </Field>
      )}
      <Field group label={t("rules.escalations")} error={errors.escalate}>
        {draft.escalations.map((one, at) => (
          <div key={one.key} class="rule-step">
            <Field label={t("rules.escalation_after")} error={errors[`escalate.${one.key}.after`]}>
              <SpanInput span={one.after} onChange={(after) => change(one.key, { after })} />
            </Field>
            <Field label={t("rules.escalation_group")} hint={silent(one.group) ? <span class="rule-warn">{t("rules.group_silent")}</span> : undefined}>
              <TextInput value={one.group} onInput={(group) => change(one.key, { group })} list="rule-groups" placeholder={t("rules.default_group")} maxLength={64} />
            </Field>
            <Button small kind="quiet" class="rule-remove" aria-label={t("rules.escalation_remove", { count: at + 1 })} onClick={() => set({ escalations: draft.escalations.filter((other) => other.key !== one.key) })}>✕</Button>
          </div>
        ))}
        <div class="rule-add">
          <Button small disabled={draft.escalations.length >= 5} onClick={() => set({ escalations: [...draft.escalations, { key: freshKey(), after: { text: "15", unit: "min" }, group: "" }] })}>{t("rules.escalation_add")}</Button>
        </div>
      </Field>
      <Checkbox checked={draft.ignoresQuietHours} onChange={(ignoresQuietHours) => set({ ignoresQuietHours })} label={t("rules.ignore_quiet")} />
    </>
  );
}

function Preview({ draft, children }: { draft: Draft; children: ComponentChildren }) {
  const read = useMemo(() => fromDraft({ ...draft, name: draft.name.trim() || "-" }, say), [draft]);
  const body = "body" in read ? bodyOf({ ...read.body, id: 0 }) : undefined;
  const count = body ? [...hosts.value.values()].filter((host) => reaches(body, host)).length : 0;
  return (
    <aside class="rule-preview" aria-label={t("rules.preview")}>
      <Card title={t("rules.preview")}>
        <div class="ui-form">
          <p class="rule-sentence" aria-live="polite">{body ? sentence(body, hostName) : <span class="muted">{t("rules.preview_waits")}</span>}</p>
          {body && <p class="muted">{t("rules.now_true", { count })}</p>}
          {children}
        </div>
      </Card>
    </aside>
  );
}
