// Logging in: by name and password, by a token, or as a guest with the view password.

import { useEffect, useState } from "preact/hooks";

import { ApiError, asApiError } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { location, navigate } from "../../app/router.ts";
import { logIn, session, sessionChanged } from "../../app/session.ts";
import { Button } from "../../ui/Button.tsx";
import { ErrorNote } from "../../ui/feedback.tsx";
import { Field, TextInput } from "../../ui/fields.tsx";
import { useForm } from "../../ui/form.ts";
import { Tabs } from "../../ui/layout.tsx";
import { Alone } from "./Alone.tsx";
import "./login.css";

type Way = "password" | "token" | "view";

export default function LoginPage() {
  const [way, setWay] = useState<Way>("password");
  useEffect(() => {
    document.title = `${t("login.title")} · Edgewatch`;
  });
  const who = session.value;
  // Whoever is logged in has no business here.
  useEffect(() => {
    if (who && !who.guest && location.peek().path === "/ui/login") navigate("/", { replace: true });
  }, [who]);
  const tabs = [
    { id: "password", label: t("login.by_password") },
    { id: "token", label: t("login.by_token") },
    { id: "view", label: t("login.by_view") },
  ];
  return (
    <Alone title={t("login.title")}>
      <Tabs label={t("login.title")} tabs={tabs} active={way} onChange={(id) => setWay(id as Way)} />
      {way === "password" && <ByPassword />}
      {way === "token" && <ByToken />}
      {way === "view" && <ByViewPassword />}
      <details class="login-help">
        <summary>{t("login.no_way_in")}</summary>
        <p class="muted">{withCode(t("login.no_way_in_hint"), "scripts/setup-link")}</p>
      </details>
    </Alone>
  );
}

function withCode(text: string, command: string) {
  const [before, after] = text.split("{command}");
  return <>{before}<code>{command}</code>{after}</>;
}

/** After logging in one is where one wanted to be. */
function go(): void {
  if (location.peek().path === "/ui/login") navigate("/", { replace: true });
}

function wrong(error: unknown, message: string): never {
  if (error instanceof ApiError && error.status === 401) throw new ApiError(401, "wrong", message);
  throw error;
}

function ByPassword() {
  const form = useForm({ username: "", password: "" }, async (values) => {
    await logIn(values).catch((error: unknown) => wrong(error, t("login.wrong_password")));
    go();
  });
  return (
    <form class="ui-form" onSubmit={form.onSubmit}>
      <Field label={t("login.name")}>
        <TextInput name="username" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} autofocus required value={form.values.username} onInput={(username) => form.set({ username })} />
      </Field>
      <Field label={t("login.password")}>
        <TextInput name="password" type="password" autocomplete="current-password" maxLength={256} required value={form.values.password} onInput={(password) => form.set({ password })} />
      </Field>
      <ErrorNote error={form.error} />
      <Button kind="primary" type="submit" busy={form.busy}>{t("login.submit")}</Button>
    </form>
  );
}

function ByToken() {
  const form = useForm({ token: "" }, async ({ token }) => {
    await logIn({ token: token.trim() }).catch((error: unknown) => wrong(error, t("login.wrong_token")));
    go();
  });
  return (
    <form class="ui-form" onSubmit={form.onSubmit}>
      <Field label={t("login.token")} hint={t("login.token_hint")}>
        <TextInput name="token" type="password" autocomplete="off" spellcheck={false} required value={form.values.token} onInput={(token) => form.set({ token })} />
      </Field>
      <ErrorNote error={form.error} />
      <Button kind="primary" type="submit" busy={form.busy}>{t("login.submit")}</Button>
    </form>
  );
}

function ByViewPassword() {
  const form = useForm({ view: "" }, async ({ view }) => {
    await look(view);
    await sessionChanged();
    go();
  });
  return (
    <form class="ui-form" onSubmit={form.onSubmit}>
      <Field label={t("login.view")} hint={t("login.view_hint")}>
        <TextInput name="view" type="password" autocomplete="off" maxLength={256} required value={form.values.view} onInput={(view) => form.set({ view })} />
      </Field>
      <ErrorNote error={form.error} />
      <Button kind="primary" type="submit" busy={form.busy}>{t("login.look")}</Button>
    </form>
  );
}

/** Shows the view password. It is another product's route: the right one is answered by leading elsewhere, a wrong one with a page. */
async function look(password: string): Promise<void> {
  let reply: Response;
  try {
    reply = await fetch("/view-password", { method: "POST", body: JSON.stringify({ Password: password }), redirect: "manual" });
  } catch (error) {
    throw new ApiError(0, "unreachable", asApiError(error).message);
  }
  if (reply.type === "opaqueredirect") return;
  if (reply.status === 200) throw new ApiError(401, "wrong", t("login.wrong_view"));
  if (reply.status === 429) throw new ApiError(429, "too_many_attempts", "Too many attempts.", undefined, Number(reply.headers.get("retry-after") ?? 60));
  throw new ApiError(reply.status, `http_${reply.status}`, `The server answered with status ${reply.status}.`);
}
