// A rule once more, for other hosts or groups.

import { useState } from "preact/hooks";

import { send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { Button, Dialog, ErrorNote, Field, TextInput, toast, useForm } from "../../ui/index.ts";
import { V1 } from "./api.ts";
import { copyFor, type Reach, type Rule } from "./rule.ts";
import { ScopeFields } from "./scope.tsx";

export function CopyDialog({ rule, onClose, onDone }: { rule: Rule; onClose: () => void; onDone: () => void }) {
  const [missing, setMissing] = useState<string | null>(null);
  const form = useForm({ name: t("rules.copy_suffix", { name: rule.name }), reach: "only" as Reach, hosts: [] as number[], groups: [] as string[] }, async (values) => {
    await send("POST", `${V1}/rules`, copyFor(rule, values.name.trim(), values));
    toast(t("rules.copy_done", { name: values.name.trim() }), "ok");
    onDone();
  });
  const submit = (event: { preventDefault(): void }): void => {
    const { reach, hosts } = form.values;
    event.preventDefault();
    if (reach === "only" && hosts.length === 0) {
      setMissing(t("rules.mistake.hosts_needed"));
      return;
    }
    form.onSubmit(event);
  };
  const { errors } = form;
  return (
    <Dialog
      wide
      title={t("rules.copy_title", { name: rule.name })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button kind="primary" type="submit" form="rule-copy" busy={form.busy}>{t("rules.copy_do")}</Button>
        </>
      }
    >
      <form id="rule-copy" class="ui-form" onSubmit={submit}>
        <p class="muted">{t("rules.copy_about")}</p>
        <Field label={t("rules.copy_name")} error={errors.name}>
          <TextInput value={form.values.name} onInput={(name) => form.set({ name })} maxLength={128} required />
        </Field>
        <ScopeFields scope={form.values} onChange={(changes) => { setMissing(null); form.set(changes); }} errors={missing ? { hosts: missing } : {}} />
        <ErrorNote error={form.error} />
      </form>
    </Dialog>
  );
}
