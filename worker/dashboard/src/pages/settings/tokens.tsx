// Tokens for programs: what there is, a new one, and taking one away.

import { useState } from "preact/hooks";

import { asApiError, get, send } from "../../app/api.ts";
import { ago, date } from "../../app/format.ts";
import { useLoad } from "../../app/load.ts";
import { serverNowMs } from "../../live/store.ts";
import { Badge, Button, Card, Checkbox, type Column, Dialog, Empty, ErrorNote, Field, Select, Spinner, Table, TextArea, TextInput, confirm, describe, toast, useForm } from "../../ui/index.ts";
import { Choices, Intro, ShownOnce } from "./parts.tsx";
import { EMPTY_FORM, EXPIRIES_S, problems, request, standingOf, type TokenForm } from "./token-form.ts";
import type { Scope, Token } from "./wire.ts";
import { s, spanWords } from "./words.ts";

const TOKENS = "/api/edgewatch/v1/tokens";
const SCOPES: readonly Scope[] = ["read", "write", "register", "admin"];

export function Tokens() {
  const { data, error, again } = useLoad<{ tokens: Token[] }>("tokens", (signal) => get(TOKENS, undefined, signal));
  const [isOpen, setOpen] = useState(false);
  const [made, setMade] = useState<string | null>(null);

  const revoke = async (token: Token): Promise<void> => {
    const note = token.note === "" ? "" : ` (${token.note})`;
    if (!(await confirm(s("token_revoke_confirm", { tail: token.tail, note }), { action: s("token_revoke") }))) return;
    try {
      await send("DELETE", `${TOKENS}/${token.id}`);
      toast(s("token_revoked"), "ok");
      again();
    } catch (thrown) {
      toast(describe(asApiError(thrown)), "bad");
    }
  };
  return (
    <div class="settings-stack">
      <Intro actions={<Button kind="primary" onClick={() => setOpen(true)}>{s("token_add")}</Button>}>{s("tokens_about")}</Intro>
      {made !== null && <ShownOnce title={s("token_made")} about={s("token_once")} text={made} done={() => setMade(null)} />}
      {error && <ErrorNote error={error} retry={again} />}
      {!data && !error && <Spinner />}
      {data && (
        <Card flush>
          <Table
            columns={columns(revoke)}
            rows={[...data.tokens].reverse()}
            rowKey={(token) => token.id}
            caption={s("tokens")}
            empty={<Empty title={s("token_none")} />}
          />
        </Card>
      )}
      {isOpen && (
        <NewToken
          onClose={() => setOpen(false)}
          done={(text) => {
            setOpen(false);
            setMade(text);
            again();
          }}
        />
      )}
    </div>
  );
}

function columns(revoke: (token: Token) => Promise<void>): Column<Token>[] {
  const nowMs = serverNowMs();
  return [
    {
      key: "note",
      head: s("token_note"),
      isName: true,
      sort: (token) => token.note,
      cell: (token) => (
        <span class="settings-name">
          <span class={token.note === "" ? "muted" : undefined}>{token.note === "" ? s("token_no_note") : token.note}</span>
          <span class="muted settings-small">
            <code>…{token.tail}</code>
            {token.address_ranges.length > 0 && ` · ${s("token_from", { ranges: token.address_ranges.join(", ") })}`}
            <span class="settings-phone-only"> · {s("token_last_use")}: {ago(token.last_use_s, nowMs)}</span>
          </span>
        </span>
      ),
    },
    {
      key: "scopes",
      head: s("token_scopes"),
      cell: (token) => (
        <span class="settings-badges">
          {token.kind === "agent" && <Badge tone="accent">{s("kind_agent")}</Badge>}
          {token.scopes.map((scope) => <Badge key={scope} tone={scope === "admin" ? "warn" : "neutral"}>{scope}</Badge>)}
          {token.uses_left !== null && token.uses_left > 0 && <Badge>{s("token_uses_left", { count: token.uses_left })}</Badge>}
          {standingOf(token, nowMs / 1000) !== "good" && <Badge tone="bad">{s(`token_${standingOf(token, nowMs / 1000)}`)}</Badge>}
        </span>
      ),
    },
    { key: "use", head: s("token_last_use"), wideOnly: true, sort: (token) => token.last_use_s, cell: (token) => <span class="settings-nowrap">{ago(token.last_use_s, nowMs)}</span> },
    {
      key: "expires",
      head: s("token_expires"),
      wideOnly: true,
      sort: (token) => token.expires_at_s,
      cell: (token) => <span class="settings-nowrap">{token.expires_at_s === null ? <span class="muted">{s("never")}</span> : date(token.expires_at_s)}</span>,
    },
    { key: "made", head: s("token_made_at"), wideOnly: true, sort: (token) => token.created_at_s, cell: (token) => <span class="settings-nowrap">{date(token.created_at_s)}</span> },
    {
      key: "do",
      head: <span class="unseen">{s("token_revoke")}</span>,
      align: "right",
      cell: (token) => (
        <Button small kind="quiet" class="settings-take" aria-label={s("token_revoke_label", { tail: token.tail, note: token.note })} onClick={() => void revoke(token)}>{s("token_revoke")}</Button>
      ),
    },
  ];
}

/** Why a field cannot be sent, in words. */
const PROBLEMS: Partial<Record<keyof TokenForm, Record<string, string>>> = {
  note: { long: "token_note_long" },
  scopes: { none: "scopes_none" },
  uses: { number: "token_uses_bad" },
  ranges: { range: "token_ranges_bad", many: "token_ranges_many" },
};

function NewToken({ onClose, done }: { onClose: () => void; done: (token: string) => void }) {
  const form = useForm<TokenForm>(EMPTY_FORM, async (values) => {
    const { token } = await send<{ token: string }>("POST", TOKENS, request(values));
    done(token);
  });
  const { values, set, errors } = form;
  const found = problems(values);
  const problem = (field: keyof TokenForm): string | null => {
    const key = PROBLEMS[field]?.[found[field] ?? ""];
    return errors[field === "ranges" ? "address_ranges" : field] ?? (key === undefined ? null : s(key));
  };
  const registers = values.kind === "agent" || values.scopes.includes("register") || values.scopes.includes("admin");
  return (
    <Dialog
      title={s("token_add")}
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{s("cancel")}</Button>
          <Button type="submit" form="new-token" kind="primary" busy={form.busy} disabled={Object.keys(found).length > 0}>{s("create")}</Button>
        </>
      }
    >
      <form id="new-token" class="ui-form" onSubmit={form.onSubmit}>
        <Field label={s("token_note")} hint={s("token_note_about")} error={problem("note")}>
          <TextInput value={values.note} maxLength={200} autocomplete="off" onInput={(note) => set({ note })} />
        </Field>
        <Choices
          name="kind"
          legend={s("token_kind")}
          choices={(["api", "agent"] as const).map((value) => ({ value, label: s(`kind_${value}`), about: s(`kind_${value}_about`) }))}
          value={values.kind}
          onChange={(kind) => set({ kind: kind as TokenForm["kind"] })}
        />
        {values.kind === "api" && (
          <Field group label={s("token_scopes")} error={problem("scopes")}>
            <div class="settings-checks">
              {SCOPES.map((scope) => (
                <Checkbox
                  key={scope}
                  checked={values.scopes.includes(scope)}
                  onChange={(checked) => set({ scopes: SCOPES.filter((one) => (one === scope ? checked : values.scopes.includes(one))) })}
                  label={s(`scope_${scope}`)}
                  hint={s(`scope_${scope}_about`)}
                />
              ))}
            </div>
          </Field>
        )}
        <div class="ui-form-row">
          <Field label={s("token_expiry")}>
            <Select
              value={values.expiry}
              onChange={(expiry) => set({ expiry })}
              options={[{ value: "", label: s("expiry_never") }, ...EXPIRIES_S.map((seconds) => ({ value: String(seconds), label: s("expiry_in", { span: spanWords(seconds / 3600) }) }))]}
            />
          </Field>
          {registers && (
            <Field label={s("token_uses")} hint={s("token_uses_about")} error={problem("uses")}>
              <TextInput value={values.uses} inputMode="numeric" autocomplete="off" onInput={(uses) => set({ uses })} />
            </Field>
          )}
        </div>
        <Field label={s("token_ranges")} hint={s("token_ranges_about")} error={problem("ranges")}>
          <TextArea rows={2} value={values.ranges} spellcheck={false} onInput={(ranges) => set({ ranges })} />
        </Field>
        <ErrorNote error={form.error} />
      </form>
    </Dialog>
  );
}
