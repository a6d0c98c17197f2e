// What cannot be undone: a new secret, merging a host into another, retiring it. Each says first what happens.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { type ApiError, asApiError, send } from "../../app/api.ts";
import { t } from "../../app/i18n.ts";
import { navigate } from "../../app/router.ts";
import { hosts } from "../../live/store.ts";
import { Button, Card, Copy, Dialog, ErrorNote, Field, Select, TextInput, compareTexts, confirm, describe, toast } from "../../ui/index.ts";
import { confirms, type HostFull } from "./changes.ts";

const HOSTS = "/api/edgewatch/v1/hosts";
/** Whose agent speaks for the host that stays. */
type Credential = "kept" | "absorbed";

export function Danger({ host }: { host: HostFull }) {
  return (
    <Card title={t("edit.danger")}>
      <div class="edit-danger">
        <Secret host={host} />
        <Merge host={host} />
        <Retire host={host} />
      </div>
    </Card>
  );
}

function Secret({ host }: { host: HostFull }) {
  const [secret, setSecret] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const make = async (): Promise<void> => {
    if (!(await confirm(t("edit.secret_confirm", { name: host.name }), { action: t("edit.secret_make") }))) return;
    setBusy(true);
    try {
      setSecret((await send<{ secret: string }>("POST", `${HOSTS}/${host.id}/secret`)).secret);
    } catch (thrown) {
      toast(describe(asApiError(thrown)), "bad");
    } finally {
      setBusy(false);
    }
  };
  return (
    <section>
      <h3>{t("edit.secret")}</h3>
      <p class="muted">{t("edit.secret_about")}</p>
      {secret !== null && (
        <div class="edit-once" role="status">
          <strong>{t("edit.secret_made", { name: host.name })}</strong>
          <p>{t("edit.secret_once")}</p>
          <Copy text={secret} label={t("edit.secret_made", { name: host.name })} />
          <Button small onClick={() => setSecret(null)}>{t("edit.secret_kept")}</Button>
        </div>
      )}
      {secret === null && <Button busy={busy} onClick={() => void make()}>{t("edit.secret_make")}</Button>}
    </section>
  );
}

function Merge({ host }: { host: HostFull }) {
  const [into, setInto] = useState("");
  const [credential, setCredential] = useState<Credential>("kept");
  const [isOpen, setOpen] = useState(false);
  const others = [...hosts.value.values()].filter((other) => other.id !== host.id).sort((one, other) => compareTexts(one.name, other.name));
  const chosen = hosts.value.get(Number(into));
  return (
    <section>
      <h3>{t("edit.merge")}</h3>
      <p class="muted">{t("edit.merge_about")}</p>
      <Field label={t("edit.merge_into")}>
        <Select
          value={into}
          onChange={setInto}
          options={[{ value: "", label: t("edit.merge_choose") }, ...others.map((other) => ({ value: String(other.id), label: `${other.name} (#${other.id})` }))]}
        />
      </Field>
      <Button kind="danger" disabled={!chosen} onClick={() => setOpen(true)}>{t("edit.merge_go")}</Button>
      {isOpen && chosen && (
        <Typed
          name={host.name}
          title={t("edit.merge_title", { name: host.name, other: chosen.name })}
          ask={t("edit.merge_type", { name: host.name })}
          action={t("edit.merge_go")}
          onClose={() => setOpen(false)}
          run={async () => {
            await send("POST", `${HOSTS}/${host.id}/merge`, { into: chosen.id, credential });
            toast(t("edit.merged", { name: host.name, other: chosen.name }), "ok");
            navigate(`/ui/hosts/${chosen.id}`);
          }}
        >
          <ul class="edit-means">
            <li>{t("edit.merge_stays", { other: chosen.name })}</li>
            <li>{t("edit.merge_goes", { name: host.name })}</li>
            <li>{t("edit.merge_history")}</li>
            <li>{t(`edit.merge_credential_${credential}_means`, { name: host.name, other: chosen.name })}</li>
            <li><strong>{t("edit.merge_no_back")}</strong></li>
          </ul>
          <Field label={t("edit.merge_credential")}>
            <Select
              value={credential}
              onChange={(value) => setCredential(value as Credential)}
              options={(["kept", "absorbed"] as const).map((value) => ({ value, label: t(`edit.merge_credential_${value}`, { name: host.name, other: chosen.name }) }))}
            />
          </Field>
        </Typed>
      )}
    </section>
  );
}

function Retire({ host }: { host: HostFull }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <section>
      <h3>{t("edit.retire")}</h3>
      <p class="muted">{t("edit.retire_about")}</p>
      <Button kind="danger" onClick={() => setOpen(true)}>{t("edit.retire_go")}</Button>
      {isOpen && (
        <Typed
          name={host.name}
          title={t("edit.retire_title", { name: host.name })}
          ask={t("edit.retire_type", { name: host.name })}
          action={t("edit.retire_go")}
          onClose={() => setOpen(false)}
          run={async () => {
            await send("DELETE", `${HOSTS}/${host.id}`);
            toast(t("edit.retired", { name: host.name }), "ok");
            navigate("/");
          }}
        >
          <ul class="edit-means">
            <li>{t("edit.retire_secret")}</li>
            <li>{t("edit.retire_alerts")}</li>
            <li>{t("edit.retire_data")}</li>
          </ul>
        </Typed>
      )}
    </section>
  );
}

interface TypedProps {
  name: string;
  title: string;
  ask: string;
  action: string;
  onClose: () => void;
  run: () => Promise<void>;
  children: ComponentChildren;
}

/** A question that only who types the host's name answers. */
function Typed({ name, title, ask, action, onClose, run, children }: TypedProps) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const isSure = confirms(typed, name);
  const go = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await run();
    } catch (thrown) {
      setError(asApiError(thrown));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" form="edit-typed" kind="danger" busy={busy} disabled={!isSure}>{action}</Button>
        </>
      }
    >
      <form
        id="edit-typed"
        class="ui-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isSure && !busy) void go();
        }}
      >
        {children}
        <Field label={ask}><TextInput value={typed} autocomplete="off" autocapitalize="none" spellcheck={false} onInput={setTyped} /></Field>
        <ErrorNote error={error} />
      </form>
    </Dialog>
  );
}
