// `/ui/hosts/:id/edit`: what a host is called, who sees it, what is noted of it; and what ends it.

import { useEffect, useMemo } from "preact/hooks";

import { ApiError, get, send } from "../../app/api.ts";
import { dateTime } from "../../app/format.ts";
import { register, t } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import type { PageProps } from "../../app/routes.ts";
import en from "../../messages/en/edit.json";
import zh from "../../messages/zh/edit.json";
import { Button, Card, Empty, ErrorNote, Facts, Field, LinkButton, PageHeader, Select, Spinner, Switch, TextArea, TextInput, toast, useForm } from "../../ui/index.ts";
import { countOf, formOf, type HostForm, type HostFull, patchOf, problems, STATUSES } from "./changes.ts";
import { Danger } from "./danger.tsx";
import "./edit.css";
import { TagsInput } from "./tags.tsx";

register("edit", { en, zh });

const API = "/api/edgewatch/v1";

interface Groups {
  groups: { name: string; hosts: number }[];
  tags?: { name: string; hosts: number }[];
}

export default function Page({ params }: PageProps) {
  const id = Number(params.id);
  const { data, error, again } = useLoad<HostFull>(`host ${id}`, (signal) => get(`${API}/hosts/${id}`, undefined, signal));
  if (error && !data) {
    return error.status === 404 ? <Empty title={t("edit.gone")} action={<LinkButton href="/">{t("common.back_to_fleet")}</LinkButton>} /> : <ErrorNote error={error} retry={again} />;
  }
  if (!data) return <Spinner />;
  return <Edit key={data.id} host={data} again={again} />;
}

function Edit({ host, again }: { host: HostFull; again: () => void }) {
  const { data: known } = useLoad<Groups>("groups", (signal) => get(`${API}/groups`, undefined, signal));
  const form = useForm<HostForm>(formOf(host), async (values) => {
    try {
      const changed = await send<HostFull>("PATCH", `${API}/hosts/${host.id}`, patchOf(host, values));
      form.reset(formOf(changed));
      toast(t("edit.saved"), "ok");
      again();
    } catch (thrown) {
      // The server names `mackerel.roles`; the form has it flat.
      if (thrown instanceof ApiError && thrown.field?.startsWith("mackerel.")) {
        throw new ApiError(thrown.status, thrown.code, thrown.message.replace(/^mackerel\.\w+: /, ""), thrown.field.slice("mackerel.".length));
      }
      throw thrown;
    }
  });
  const { values, set, errors } = form;
  const found = problems(values);
  const changes = useMemo(() => countOf(patchOf(host, values)), [host, values]);
  const isUnsaved = changes > 0;
  useEffect(() => {
    if (!isUnsaved) return undefined;
    // The browser asks, in its own words.
    const ask = (event: Event): void => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isUnsaved]);
  return (
    <>
      <PageHeader title={t("edit.title", { name: host.name })} actions={<LinkButton href={`/ui/hosts/${host.id}`}>{t("edit.back")}</LinkButton>} />
      <div class="edit">
        <form class="edit-stack" onSubmit={form.onSubmit} noValidate>
          <Card title={t("edit.looks")}>
            <div class="ui-form">
              <Field label={t("edit.name")} error={errors.name ?? (found.name ? t("edit.name_empty") : null)}>
                <TextInput value={values.name} maxLength={1024} autocomplete="off" spellcheck={false} required onInput={(name) => set({ name })} />
              </Field>
              <div class="ui-form-row">
                <Field label={t("edit.group")} hint={t("edit.group_about")} error={errors.group}>
                  <TextInput value={values.group} maxLength={1024} autocomplete="off" list="edit-groups" onInput={(group) => set({ group })} />
                </Field>
                <Field label={t("edit.display_index")} hint={t("edit.display_index_about")} error={errors.display_index ?? (found.display_index ? t("edit.display_index_bad") : null)}>
                  <TextInput value={values.display_index} inputMode="numeric" autocomplete="off" class="ui-input-number" onInput={(display_index) => set({ display_index })} />
                </Field>
              </div>
              <datalist id="edit-groups">{known?.groups.filter(({ name }) => name !== "").map(({ name }) => <option key={name} value={name} />)}</datalist>
              <TagsInput tags={values.tags} known={known?.tags?.map(({ name }) => name) ?? []} error={errors.tags} onChange={(tags) => set({ tags })} />
              <Switch checked={values.shown_to_guests} onChange={(shown_to_guests) => set({ shown_to_guests })} label={t("edit.guests")} hint={t("edit.guests_about")} />
            </div>
          </Card>
          <Card title={t("edit.notes")}>
            <div class="ui-form">
              <Field label={t("edit.public_note")} hint={t("edit.public_note_about")} error={errors.public_note}>
                <TextArea rows={3} value={values.public_note} onInput={(public_note) => set({ public_note })} />
              </Field>
              <Field label={t("edit.note")} hint={t("edit.note_about")} error={errors.note}>
                <TextArea rows={4} value={values.note} onInput={(note) => set({ note })} />
              </Field>
            </div>
          </Card>
          <Card title={t("edit.mackerel")}>
            <div class="ui-form">
              <p class="muted">{t("edit.mackerel_about")}</p>
              <div class="ui-form-row">
                <Field label={t("edit.status")} hint={t("edit.status_about")} error={errors.status}>
                  <Select value={values.status} onChange={(status) => set({ status })} options={STATUSES.map((value) => ({ value, label: t(`edit.status_${value}`) }))} />
                </Field>
                <Field label={t("edit.roles")} hint={t("edit.roles_about")} error={errors.roles ?? (found.roles ? t("edit.roles_bad") : null)}>
                  <TextArea rows={2} value={values.roles} spellcheck={false} onInput={(roles) => set({ roles })} />
                </Field>
              </div>
              <Field label={t("edit.memo")} error={errors.memo}>
                <TextArea rows={2} value={values.memo} onInput={(memo) => set({ memo })} />
              </Field>
            </div>
          </Card>
          <ErrorNote error={form.error} />
          <div class={changes > 0 ? "edit-foot edit-foot-changed" : "edit-foot"}>
            <Button type="submit" kind="primary" busy={form.busy} disabled={changes === 0 || Object.keys(found).length > 0}>{t("edit.save")}</Button>
            {changes > 0 && <Button onClick={() => form.reset(formOf(host))}>{t("edit.discard")}</Button>}
            <span class="muted" role="status">{changes > 0 && t("edit.changes", { count: changes })}</span>
          </div>
        </form>
        <div class="edit-stack">
          <Card title={t("edit.identity")}>
            <Facts
              facts={[
                [t("edit.id"), host.id],
                [t("edit.public_id"), <code>{host.public_id}</code>],
                [t("edit.uuid"), <code>{host.uuid}</code>],
                [t("edit.registered"), dateTime(host.registered_at_s)],
                [t("edit.agent"), host.agent_version || "–"],
              ]}
            />
          </Card>
          <Danger host={host} />
        </div>
      </div>
    </>
  );
}
