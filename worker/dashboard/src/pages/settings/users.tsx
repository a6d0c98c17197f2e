// People: accounts, their roles and passwords; and everybody's own password.

import { useState } from "preact/hooks";

import { asApiError, get, send } from "../../app/api.ts";
import { date } from "../../app/format.ts";
import { useLoad } from "../../app/load.ts";
import { session } from "../../app/session.ts";
import { Badge, Button, Card, type Column, Dialog, ErrorNote, Field, Spinner, Table, TextInput, confirm, describe, toast, useForm } from "../../ui/index.ts";
import { Choices, Intro } from "./parts.tsx";
import type { Account, Role } from "./wire.ts";
import { s } from "./words.ts";

const USERS = "/api/edgewatch/v1/users";
const MIN_PASSWORD = 10;

export function Users() {
  const isAdmin = session.value?.isAdmin ?? false;
  return (
    <div class="settings-stack">
      {isAdmin && <People />}
      <OwnPassword />
    </div>
  );
}

function OwnPassword() {
  const user = session.value?.user;
  const form = useForm({ current: "", password: "", repeat: "" }, async ({ current, password }) => {
    await send("POST", "/api/edgewatch/v1/session/password", { current, new: password });
    form.reset({ current: "", password: "", repeat: "" });
    toast(s("password_changed"), "ok");
  });
  const { values, set } = form;
  const differs = values.repeat !== "" && values.repeat !== values.password;
  const isShort = values.password !== "" && [...values.password].length < MIN_PASSWORD;
  const isReady = values.current !== "" && values.password !== "" && values.repeat === values.password && !isShort;
  return (
    <Card title={s("own_password")}>
      {!user && <p class="muted">{s("by_token")}</p>}
      {user && (
        <form class="ui-form settings-narrow" onSubmit={form.onSubmit}>
          <p class="muted">{s("own_password_about")}</p>
          {/* For password managers: whose password it is. */}
          <input type="text" name="username" autocomplete="username" value={user.name} readOnly hidden />
          <Field label={s("password_current")} error={form.errors.current}>
            <TextInput type="password" autocomplete="current-password" maxLength={256} value={values.current} onInput={(current) => set({ current })} required />
          </Field>
          <div class="ui-form-row">
            <Field label={s("password_new")} error={form.errors.password ?? (isShort ? s("password_short") : null)}>
              <TextInput type="password" autocomplete="new-password" maxLength={256} value={values.password} onInput={(password) => set({ password })} required />
            </Field>
            <Field label={s("password_repeat")} error={differs ? s("password_differs") : null}>
              <TextInput type="password" autocomplete="new-password" maxLength={256} value={values.repeat} onInput={(repeat) => set({ repeat })} required />
            </Field>
          </div>
          <ErrorNote error={form.error} />
          <div class="ui-form-foot"><Button type="submit" kind="primary" busy={form.busy} disabled={!isReady}>{s("own_password_change")}</Button></div>
        </form>
      )}
    </Card>
  );
}

function People() {
  const { data, error, again } = useLoad<{ users: Account[] }>("users", (signal) => get(USERS, undefined, signal));
  const [open, setOpen] = useState<Account | "new" | null>(null);
  const own = session.value?.user?.name;

  const remove = async (account: Account): Promise<void> => {
    if (!(await confirm(s("person_remove_confirm", { name: account.name }), { action: s("remove") }))) return;
    try {
      await send("DELETE", `${USERS}/${account.id}`);
      toast(s("person_removed", { name: account.name }), "ok");
      again();
    } catch (thrown) {
      toast(describe(asApiError(thrown)), "bad");
    }
  };

  const columns: Column<Account>[] = [
    {
      key: "name",
      head: s("person"),
      isName: true,
      sort: (account) => account.name,
      cell: (account) => (
        <span class="settings-name">
          <span>{account.name}{account.name === own && <> <Badge>{s("you")}</Badge></>}</span>
          {account.email && <span class="muted settings-small">{account.email}</span>}
        </span>
      ),
    },
    {
      key: "role",
      head: s("role"),
      sort: (account) => account.role,
      cell: (account) => (
        <span class="settings-badges">
          <Badge tone={account.role === "admin" ? "accent" : "neutral"}>{s(`role_${account.role}`)}</Badge>
          {!account.has_password && <Badge tone="neutral">{s("password_none")}</Badge>}
        </span>
      ),
    },
    { key: "since", head: s("since"), wideOnly: true, sort: (account) => account.created_at_s, cell: (account) => date(account.created_at_s) },
    {
      key: "do",
      head: <span class="unseen">{s("edit")}</span>,
      align: "right",
      cell: (account) => (
        <span class="settings-row-actions">
          <Button small aria-label={s("person_edit", { name: account.name })} onClick={() => setOpen(account)}>{s("edit")}</Button>
          <Button small kind="quiet" class="settings-take" aria-label={s("person_remove", { name: account.name })} onClick={() => void remove(account)}>{s("remove")}</Button>
        </span>
      ),
    },
  ];

  const done = (text: string): void => {
    setOpen(null);
    toast(text, "ok");
    again();
  };
  return (
    <>
      <Intro actions={<Button kind="primary" onClick={() => setOpen("new")}>{s("people_add")}</Button>}>{s("people_about")}</Intro>
      {error && <ErrorNote error={error} retry={again} />}
      {!data && !error && <Spinner />}
      {data && <Card flush><Table columns={columns} rows={data.users} rowKey={(account) => account.id} caption={s("users")} /></Card>}
      {open === "new" && <NewPerson onClose={() => setOpen(null)} done={done} />}
      {open !== null && open !== "new" && <EditPerson account={open} isOwn={open.name === own} onClose={() => setOpen(null)} done={done} />}
    </>
  );
}

const roles = (): { value: string; label: string; about: string }[] =>
  (["viewer", "admin"] as const).map((value) => ({ value, label: s(`role_${value}`), about: s(`role_${value}_about`) }));

function NewPerson({ onClose, done }: { onClose: () => void; done: (text: string) => void }) {
  const form = useForm({ username: "", role: "viewer" as Role, email: "", password: "" }, async (values) => {
    const body: Record<string, string> = { username: values.username, role: values.role };
    if (values.email.trim() !== "") body.email = values.email.trim();
    if (values.password !== "") body.password = values.password;
    await send("POST", USERS, body);
    done(s("person_made", { name: values.username.trim() }));
  });
  const { values, set, errors } = form;
  return (
    <Dialog
      title={s("people_add")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{s("cancel")}</Button>
          <Button type="submit" form="new-person" kind="primary" busy={form.busy}>{s("create")}</Button>
        </>
      }
    >
      <form id="new-person" class="ui-form" onSubmit={form.onSubmit}>
        <Field label={s("name")} error={errors.username}>
          <TextInput value={values.username} maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false} required onInput={(username) => set({ username })} />
        </Field>
        <Choices name="role" legend={s("role")} choices={roles()} value={values.role} onChange={(role) => set({ role: role as Role })} />
        <Field label={s("password")} hint={s("password_about")} error={errors.password}>
          <TextInput type="password" value={values.password} maxLength={256} autocomplete="new-password" onInput={(password) => set({ password })} />
        </Field>
        <Field label={s("email")} hint={s("email_about")} error={errors.email}>
          <TextInput type="email" value={values.email} maxLength={254} autocomplete="off" onInput={(email) => set({ email })} />
        </Field>
        <ErrorNote error={form.error} />
      </form>
    </Dialog>
  );
}

function EditPerson({ account, isOwn, onClose, done }: { account: Account; isOwn: boolean; onClose: () => void; done: (text: string) => void }) {
  const form = useForm({ role: account.role, email: account.email ?? "", password: "" }, async (values) => {
    const body: { role?: Role; email?: string; password?: string } = {};
    if (values.role !== account.role) body.role = values.role;
    if (values.email.trim() !== (account.email ?? "")) body.email = values.email.trim();
    if (values.password !== "") body.password = values.password;
    if (Object.keys(body).length === 0) return onClose();
    await send("PATCH", `${USERS}/${account.id}`, body);
    done(body.password === undefined ? s("saved") : s("password_other_changed", { name: account.name }));
  });
  const { values, set, errors } = form;
  const demotes = account.role === "admin" && values.role === "viewer";
  return (
    <Dialog
      title={s("person_edit", { name: account.name })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{s("cancel")}</Button>
          <Button type="submit" form="edit-person" kind="primary" busy={form.busy}>{s("save")}</Button>
        </>
      }
    >
      <form id="edit-person" class="ui-form" onSubmit={form.onSubmit}>
        <Choices name="role" legend={s("role")} choices={roles()} value={values.role} onChange={(role) => set({ role: role as Role })} />
        {demotes && <p class="settings-warning" role="status">{s("demote_warns", { name: account.name })}</p>}
        <Field label={s("email")} hint={s("email_about")} error={errors.email}>
          <TextInput type="email" value={values.email} maxLength={254} autocomplete="off" onInput={(email) => set({ email })} />
        </Field>
        {!isOwn && (
          <Field label={s("password_set")} hint={s("password_new_about")} error={errors.password}>
            <TextInput type="password" value={values.password} maxLength={256} autocomplete="new-password" onInput={(password) => set({ password })} />
          </Field>
        )}
        <ErrorNote error={form.error} />
      </form>
    </Dialog>
  );
}
