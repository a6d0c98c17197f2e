// The form of a probe.

import { useState } from "preact/hooks";

import { type ApiError, asApiError, get, send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { navigate } from "../../app/router.ts";
import { session } from "../../app/session.ts";
import { Button, Card, Checkbox, Empty, ErrorNote, Field, LinkButton, PageHeader, Spinner, TextInput, sentence, toast } from "../../ui/index.ts";
import { heardGroups } from "../rules/api.ts";
import { Choice, ScopeFields } from "../rules/scope.tsx";
import { PROBES } from "./list.tsx";
import { emptyDraft, fromDraft, KINDS, placeOf, toDraft, type Draft, type Kind, type Probe } from "./probe.ts";

export function ProbeEditor({ id }: { id: string }) {
  const isNew = id === "new";
  const probe = useLoad(`probe.edit.${id}`, async (signal) => (isNew ? null : await get<Probe>(`${PROBES}/${encodeURIComponent(id)}`, undefined, signal)));
  if (!session.value?.isAdmin) {
    return (
      <>
        <PageHeader title={t("probes.title")} />
        <Card><Empty title={t("common.admin_only")} action={<LinkButton href="/ui/probes">{t("probes.back")}</LinkButton>} /></Card>
      </>
    );
  }
  if (probe.data === undefined) {
    return (
      <>
        <PageHeader title={t("probes.title")} />
        {probe.error?.status === 404 && <Card><Empty title={t("probes.not_found")} action={<LinkButton href="/ui/probes">{t("probes.back")}</LinkButton>} /></Card>}
        {probe.error && probe.error.status !== 404 && <ErrorNote error={probe.error} retry={probe.again} />}
        {!probe.error && <Spinner />}
      </>
    );
  }
  return <ProbeForm probe={probe.data} />;
}

const TARGETS: Record<Kind, string> = { http: "https://example.com/health", icmp: "192.0.2.1", tcp: "example.com:443" };

function ProbeForm({ probe }: { probe: Probe | null }) {
  const [draft, setDraft] = useState<Draft>(() => (probe ? toDraft(probe) : emptyDraft()));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [refusal, setRefusal] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const groups = useLoad("channels", heardGroups);
  const set = (changes: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...changes }));
    setErrors({});
    setRefusal(null);
  };
  const focusWrong = () => requestAnimationFrame(() => document.querySelector<HTMLElement>(".probe-form [aria-invalid]")?.focus());
  const save = async (event: { preventDefault(): void }): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const read = fromDraft(draft, (mistake) => t(`probes.mistake.${mistake}`));
    if ("errors" in read) {
      setErrors(read.errors);
      focusWrong();
      return;
    }
    setBusy(true);
    try {
      const saved = probe ? await send<Probe>("PUT", `${PROBES}/${probe.id}`, read.body) : await send<Probe>("POST", PROBES, read.body);
      toast(t("probes.saved", { name: saved.name }), "ok");
      navigate(`/ui/probes/${saved.id}`);
    } catch (error) {
      const thrown = asApiError(error);
      const place = placeOf(thrown.field);
      if (place !== undefined && FIELDS.has(place)) {
        setErrors({ [place]: sentence(thrown.message, thrown.field ?? "") });
        focusWrong();
      } else setRefusal(thrown);
    } finally {
      setBusy(false);
    }
  };
  const back = probe ? `/ui/probes/${probe.id}` : "/ui/probes";
  const isSilent = groups.data !== undefined && (draft.ofState || draft.ofDelay || draft.certificateDays !== "0") && !groups.data.includes(draft.group || "default");
  return (
    <>
      <PageHeader title={probe ? probe.name : t("probes.new")} actions={<LinkButton href={back}>{t("common.cancel")}</LinkButton>} />
      <form class="probe-form" noValidate onSubmit={(event) => void save(event)}>
        <Card title={t("probes.section_what")}>
          <div class="ui-form">
            <Field group label={t("probes.kind")}>
              <Choice<Kind> name="kind" value={draft.kind} options={KINDS.map((value) => ({ value, label: t(`probes.kind_long.${value}`) }))} onChange={(kind) => set({ kind, fromEdge: kind === "icmp" ? false : draft.fromEdge })} />
            </Field>
            <Field label={t("probes.name")} error={errors.name}><TextInput name="name" value={draft.name} onInput={(name) => set({ name })} maxLength={128} /></Field>
            <Field label={t("probes.target")} hint={t(`probes.target_hint.${draft.kind}`)} error={errors.target}>
              <TextInput name="target" value={draft.target} onInput={(target) => set({ target })} placeholder={TARGETS[draft.kind]} maxLength={512} autocomplete="off" spellcheck={false} />
            </Field>
            <Field label={t("probes.interval")} hint={t("probes.interval_hint")} error={errors.interval_s}>
              <span class="rule-value probe-short"><TextInput inputMode="numeric" value={draft.interval} onInput={(interval) => set({ interval })} /><span class="muted">{t("probes.seconds")}</span></span>
            </Field>
          </div>
        </Card>
        <Card title={t("probes.section_who")}>
          <div class="ui-form">
            <ScopeFields withGroups={false} scope={{ reach: draft.reach, hosts: draft.hosts, groups: [] }} onChange={set} errors={errors} />
            <Checkbox checked={draft.fromEdge} onChange={(fromEdge) => set({ fromEdge })} disabled={draft.kind === "icmp"} label={t("probes.from_edge")} hint={t(draft.kind === "icmp" ? "probes.from_edge_icmp" : "probes.from_edge_hint")} />
            {errors.from_edge && <p class="ui-field-error" role="alert">{errors.from_edge}</p>}
          </div>
        </Card>
        <Card title={t("probes.section_told")}>
          <div class="ui-form">
            <Checkbox checked={draft.ofState} onChange={(ofState) => set({ ofState })} label={t("probes.of_state")} hint={t("probes.of_state_hint")} />
            <Checkbox checked={draft.ofDelay} onChange={(ofDelay) => set({ ofDelay })} label={t("probes.of_delay")} />
            {draft.ofDelay && (
              <div class="probe-bounds">
                <Field label={t("probes.max_delay")} error={errors.max_delay_ms}><span class="rule-value"><TextInput inputMode="decimal" value={draft.maxDelay} onInput={(maxDelay) => set({ maxDelay })} /><span class="muted">ms</span></span></Field>
                <Field label={t("probes.min_delay")} hint={t("probes.min_delay_hint")} error={errors.min_delay_ms}><span class="rule-value"><TextInput inputMode="decimal" value={draft.minDelay} onInput={(minDelay) => set({ minDelay })} /><span class="muted">ms</span></span></Field>
              </div>
            )}
            {draft.kind === "http" && (
              <Field label={t("probes.certificate")} hint={t("probes.certificate_hint")} error={errors.certificate_days}>
                <span class="rule-value probe-short"><TextInput inputMode="numeric" value={draft.certificateDays} onInput={(certificateDays) => set({ certificateDays })} /><span class="muted">{t("probes.days_before")}</span></span>
              </Field>
            )}
            <Field label={t("rules.group")} hint={isSilent ? <span class="rule-warn">{t("rules.group_silent")}</span> : t("rules.group_hint")} error={errors.group}>
              <TextInput class="rule-short" value={draft.group} onInput={(group) => set({ group })} list="probe-groups" placeholder={t("rules.default_group")} maxLength={64} />
            </Field>
            <datalist id="probe-groups">{(groups.data ?? []).map((group) => <option key={group} value={group} />)}</datalist>
          </div>
        </Card>
        <Card title={t("probes.section_guests")}>
          <div class="ui-form">
            <Checkbox checked={draft.isPublic} onChange={(isPublic) => set({ isPublic })} label={t("probes.public")} hint={t("probes.public_hint")} />
            {!draft.isPublic && <Checkbox checked={draft.delaysPublic} onChange={(delaysPublic) => set({ delaysPublic })} label={t("probes.delays_public")} hint={t("probes.delays_public_hint")} />}
          </div>
        </Card>
        <ErrorNote error={refusal} />
        <div class="ui-form-foot probe-foot">
          <Button kind="primary" type="submit" busy={busy}>{t(probe ? "common.save" : "probes.create")}</Button>
          <LinkButton href={back}>{t("common.cancel")}</LinkButton>
        </div>
      </form>
    </>
  );
}

const FIELDS = new Set(["name", "target", "interval_s", "hosts", "group", "max_delay_ms", "min_delay_ms", "certificate_days"]);
