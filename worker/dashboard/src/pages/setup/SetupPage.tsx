// What a setup link opens: the first administrator, or another password for one who lost it.

import { useEffect, useState } from "preact/hooks";

import { ApiError, send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { navigate } from "../../app/router.ts";
import { sessionChanged } from "../../app/session.ts";
import { Button, LinkButton } from "../../ui/Button.tsx";
import { Copy, Empty, ErrorNote } from "../../ui/feedback.tsx";
import { Field, TextInput } from "../../ui/fields.tsx";
import { useForm } from "../../ui/form.ts";
import { Alone } from "../login/Alone.tsx";
import { forgetSetupToken, setupToken } from "./link.ts";

export default function SetupPage() {
  const [made, setMade] = useState<string | null>(null);
  useEffect(() => {
    document.title = `${t("login.setup_title")} · Edgewatch`;
  });
  const form = useForm({ username: "admin", password: "" }, async ({ username, password }) => {
    try {
      const reply = await send<{ token: string }>("POST", "/api/edgewatch/v1/setup", { token: setupToken(), username, password });
      forgetSetupToken();
      setMade(reply.token);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) throw new ApiError(401, "used", t("login.setup_over"));
      throw error;
    }
  });
  if (made !== null) {
    return (
      <Alone title={t("login.setup_done")}>
        <div class="ui-form">
          <p>{t("login.setup_token")}</p>
          <Copy text={made} label={t("login.token")} />
          <Button kind="primary" onClick={() => void sessionChanged().then(() => navigate("/", { replace: true }))}>{t("login.setup_continue")}</Button>
        </div>
      </Alone>
    );
  }
  if (setupToken() === null) {
    return (
      <Alone title={t("login.setup_title")}>
        <Empty title={t("login.setup_none")} action={<LinkButton href="/ui/login">{t("login.title")}</LinkButton>}>{t("login.setup_none_hint")}</Empty>
      </Alone>
    );
  }
  return (
    <Alone title={t("login.setup_title")}>
      <form class="ui-form" onSubmit={form.onSubmit}>
        <p class="muted">{t("login.setup_lead")}</p>
        <Field label={t("login.setup_name")} error={form.errors.username}>
          <TextInput name="username" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} required value={form.values.username} onInput={(username) => form.set({ username })} />
        </Field>
        <Field label={t("login.setup_password")} hint={t("login.setup_password_hint")} error={form.errors.password}>
          <TextInput name="password" type="password" autocomplete="new-password" minLength={10} maxLength={256} required value={form.values.password} onInput={(password) => form.set({ password })} />
        </Field>
        <ErrorNote error={form.error} />
        <Button kind="primary" type="submit" busy={form.busy}>{t("login.setup_submit")}</Button>
      </form>
    </Alone>
  );
}
