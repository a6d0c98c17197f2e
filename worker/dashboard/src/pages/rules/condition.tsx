// One condition of a rule, by its kind.

import { t } from "../../app/i18n.ts";
import { Button, Field, Select, TextInput } from "../../ui/index.ts";
import { METRICS, TIMES, TRANSFERS, UNITS, emptyCondition, withMetric, type CycleUnit, type DraftCondition, type Errors, type Kind, type Side, type Span } from "./rule.ts";
import { metricName } from "./words.ts";

interface Props {
  condition: DraftCondition;
  number: number;
  isOnly: boolean;
  errors: Errors;
  onChange: (condition: DraftCondition) => void;
  onRemove: () => void;
}

export function ConditionFields({ condition, number, isOnly, errors, onChange, onRemove }: Props) {
  const error = (field: string): string | undefined => errors[`conditions.${condition.key}.${field}`];
  const set = (changes: Partial<DraftCondition>): void => onChange({ ...condition, ...changes });
  const kinds = (["limit", "silent", "transfer"] as const).map((value) => ({ value, label: t(`rules.kind.${value}`) }));
  return (
    <fieldset class="rule-condition">
      <legend class="unseen">{t("rules.condition", { count: number })}</legend>
      {!isOnly && (
        <div class="rule-condition-head">
          <b>{t("rules.condition", { count: number })}</b>
          <Button small kind="quiet" onClick={onRemove} aria-label={t("rules.remove_condition", { count: number })}>✕</Button>
        </div>
      )}
      <div class="rule-grid">
        {!isOnly && (
          <Field label={t("rules.watches")}>
            <Select value={condition.kind} options={kinds} onChange={(kind) => onChange({ ...emptyCondition(kind as Kind), key: condition.key })} />
          </Field>
        )}
        {condition.kind === "limit" && <LimitFields {...{ condition, onChange, set, error }} />}
        {condition.kind === "transfer" && <TransferFields {...{ condition, onChange, set, error }} />}
        <Field label={t("rules.for")} hint={condition.kind === "silent" ? undefined : t("rules.for_hint")} error={error("lasts")}>
          <SpanInput span={condition.lasts} onChange={(lasts) => set({ lasts })} />
        </Field>
      </div>
      {condition.kind === "silent" && <p class="ui-hint">{t("rules.silent_hint")}</p>}
    </fieldset>
  );
}

interface PartProps {
  condition: DraftCondition;
  onChange: (condition: DraftCondition) => void;
  set: (changes: Partial<DraftCondition>) => void;
  error: (field: string) => string | undefined;
}

function LimitFields({ condition, onChange, set, error }: PartProps) {
  const name = (metric: string) => (METRICS.get(metric) === "bytes" ? t("rules.since_boot", { metric: metricName(metric) }) : metricName(metric));
  return (
    <>
      <Field label={t("rules.metric_label")} error={error("metric")}>
        <Select value={condition.metric} options={[...METRICS.keys()].map((value) => ({ value, label: name(value) }))} onChange={(metric) => onChange(withMetric(condition, metric))} />
      </Field>
      <Bounds {...{ condition, onChange, set, error }} />
    </>
  );
}

function Bounds({ condition, set, error }: PartProps) {
  const units = [...UNITS[METRICS.get(condition.metric) ?? "count"].keys()];
  const sides = (["above", "below", "outside"] as const).map((value) => ({ value, label: t(`rules.side.${value}`) }));
  const value = (field: "above" | "aboveClear" | "below" | "belowClear", label: string, hint?: string) => (
    <Field label={label} hint={hint} error={error(field)}>
      <span class="rule-value">
        <TextInput inputMode="decimal" value={condition[field]} onInput={(text) => set({ [field]: text })} />
        {units.length === 1 && units[0] !== "" && <span class="muted">{units[0]}</span>}
      </span>
    </Field>
  );
  return (
    <>
      <Field label={t("rules.side")}>
        <Select value={condition.side} options={sides} onChange={(side) => set({ side: side as Side })} />
      </Field>
      {units.length > 1 && (
        <Field label={t("rules.unit")}>
          <Select value={condition.unit} options={units.map((unit) => ({ value: unit, label: unit }))} onChange={(unit) => set({ unit })} />
        </Field>
      )}
      {condition.side !== "below" && value("above", t("rules.limit_above"))}
      {condition.side !== "below" && value("aboveClear", t("rules.clear_above"), t("rules.clear_hint"))}
      {condition.side !== "above" && value("below", t("rules.limit_below"))}
      {condition.side !== "above" && value("belowClear", t("rules.clear_below"), t("rules.clear_hint"))}
    </>
  );
}

function TransferFields({ condition, onChange, set, error }: PartProps) {
  const units = (["hour", "day", "week", "month", "year"] as const).map((value) => ({ value, label: t(`rules.cycle_unit.${value}`) }));
  return (
    <>
      <Field label={t("rules.direction")} error={error("metric")}>
        <Select value={condition.metric} options={TRANSFERS.map((value) => ({ value, label: t(`rules.direction.${value}`) }))} onChange={(metric) => set({ metric })} />
      </Field>
      <Bounds {...{ condition, onChange, set, error }} />
      <Field label={t("rules.cycle_every")} error={error("every")}>
        <span class="rule-span">
          <TextInput inputMode="numeric" value={condition.every} onInput={(every) => set({ every })} />
          <Select aria-label={t("rules.cycle_unit")} id={undefined} value={condition.cycle} options={units} onChange={(cycle) => set({ cycle: cycle as CycleUnit })} />
        </span>
      </Field>
      <Field label={t("rules.cycle_start")} hint={t("rules.cycle_hint")} error={error("start")}>
        <TextInput type="datetime-local" value={condition.start} onInput={(start) => set({ start })} />
      </Field>
      <Field label={t("rules.cycle_offset")} error={error("offset")}>
        <TextInput value={condition.offset} onInput={(offset) => set({ offset })} />
      </Field>
    </>
  );
}

/** A length of time: a number and its unit. */
export function SpanInput({ span, onChange }: { span: Span; onChange: (span: Span) => void }) {
  const units = [...TIMES.keys()].map((value) => ({ value, label: t(`rules.time_unit.${value}`) }));
  return (
    <span class="rule-span">
      <TextInput inputMode="decimal" value={span.text} onInput={(text) => onChange({ ...span, text })} />
      <Select aria-label={t("rules.unit")} id={undefined} value={span.unit} options={units} onChange={(unit) => onChange({ ...span, unit })} />
    </span>
  );
}
