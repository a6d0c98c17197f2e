// Guests: how far they are let in, what their page looks like, and which hosts they see.

import { useMemo, useState } from "preact/hooks";

import { asApiError, get, send } from "../../app/api.ts";
import { useLoad } from "../../app/load.ts";
import { Badge, Button, Card, Copy, Empty, ErrorNote, Field, Select, Spinner, Switch, TextInput, compareTexts, describe, toast, useForm } from "../../ui/index.ts";
import { Choices, Intro } from "./parts.tsx";
import type { GuestTheme, GuestView, Settings } from "./wire.ts";
import { s } from "./words.ts";

const SETTINGS = "/api/edgewatch/v1/settings";
const HOSTS = "/api/edgewatch/v1/hosts";
/** So many hosts are drawn at a time; the others are found by name. */
const MAX_SHOWN = 100;
/** The API's longest page, and the most pages that are asked for. */
const PAGE = 500;
const MAX_PAGES = 20;

export function Guests() {
  const { data, error, again } = useLoad<Settings>("settings", (signal) => get(SETTINGS, undefined, signal));
  return (
    <div class="settings-stack">
      <Intro>{s("guests_about")}</Intro>
      {error && !data && <ErrorNote error={error} retry={again} />}
      {!data && !error && <Spinner />}
      {data && <View settings={data} changed={again} />}
      {data && <ViewPassword isSet={data.view_password_set} changed={again} />}
      <Hosts />
    </div>
  );
}

function View({ settings, changed }: { settings: Settings; changed: () => void }) {
  const initial = { guest_view: settings.guest_view, guest_title: settings.guest_title ?? "", guest_theme: settings.guest_theme ?? "system" };
  const form = useForm(initial, async (values) => {
    const set = await send<Settings>("PATCH", SETTINGS, values);
    form.reset({ guest_view: set.guest_view, guest_title: set.guest_title ?? "", guest_theme: set.guest_theme ?? "system" });
    toast(s("saved"), "ok");
    changed();
  });
  const { values, set, errors } = form;
  return (
    <form onSubmit={form.onSubmit}>
      <Card title={s("guest_page")}>
        <div class="ui-form">
          <Choices
            name="guest_view"
            legend={s("guest_view")}
            choices={(["off", "status", "pulse"] as const).map((value) => ({ value, label: s(`guest_${value}`), about: s(`guest_${value}_about`) }))}
            value={values.guest_view}
            onChange={(value) => set({ guest_view: value as GuestView })}
          />
          <div class="ui-form-row">
            <Field label={s("guest_title")} hint={s("guest_title_about")} error={errors.guest_title}>
              <TextInput value={values.guest_title} maxLength={100} autocomplete="off" onInput={(guest_title) => set({ guest_title })} />
            </Field>
            <Field label={s("guest_theme")} hint={s("guest_theme_about")} error={errors.guest_theme}>
              <Select
                value={values.guest_theme}
                onChange={(value) => set({ guest_theme: value as GuestTheme })}
                options={(["system", "light", "dark"] as const).map((value) => ({ value, label: s(`theme_${value}`) }))}
              />
            </Field>
          </div>
          {settings.guest_view !== "off" && (
            <div class="settings-address">
              <span class="ui-label">{s("guest_address")}</span>
              <Copy text={`${window.location.origin}/`} label={s("guest_address")} />
              <p class="ui-hint">{s("guest_address_about")}</p>
            </div>
          )}
          <ErrorNote error={form.error} />
          <div class="ui-form-foot">
            <Button type="submit" kind="primary" busy={form.busy} disabled={!form.isChanged}>{s("save")}</Button>
            {form.isChanged && <Button onClick={() => form.reset(initial)}>{s("discard")}</Button>}
          </div>
        </div>
      </Card>
    </form>
  );
}

function ViewPassword({ isSet, changed }: { isSet: boolean; changed: () => void }) {
  const form = useForm({ view_password: "" }, async ({ view_password }) => {
    await send("PATCH", SETTINGS, { view_password });
    form.reset({ view_password: "" });
    toast(s(view_password === "" ? "view_password_removed" : "view_password_saved"), "ok");
    changed();
  });
  const remove = async (): Promise<void> => {
    try {
      await send("PATCH", SETTINGS, { view_password: "" });
      toast(s("view_password_removed"), "ok");
      changed();
    } catch (thrown) {
      toast(describe(asApiError(thrown)), "bad");
    }
  };
  return (
    <Card title={s("view_password")} actions={isSet && <Badge tone="ok" dot>{s("view_password_is_set")}</Badge>}>
      <form class="ui-form" onSubmit={form.onSubmit}>
        <p class="muted">{s(isSet ? "view_password_set" : "view_password_none")}</p>
        <div class="settings-inline">
          <Field label={s("view_password_new")} error={form.errors.view_password}>
            <TextInput type="password" value={form.values.view_password} maxLength={256} autocomplete="new-password" onInput={(view_password) => form.set({ view_password })} />
          </Field>
          <Button type="submit" busy={form.busy} disabled={form.values.view_password === ""}>{s("view_password_change")}</Button>
          {isSet && <Button kind="quiet" onClick={() => void remove()}>{s("view_password_remove")}</Button>}
        </div>
        <ErrorNote error={form.error} />
      </form>
    </Card>
  );
}

interface Listed {
  id: number;
  name: string;
  group: string;
  hidden_for_guest: boolean;
}

async function allHosts(signal: AbortSignal): Promise<Listed[]> {
  const found: Listed[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const reply = await get<{ hosts: Listed[]; cursor: string | null }>(HOSTS, { cursor, limit: PAGE }, signal);
    found.push(...reply.hosts);
    if (reply.cursor === null || reply.cursor === undefined) break;
    cursor = reply.cursor;
  }
  return found.sort((one, other) => compareTexts(one.group, other.group) || compareTexts(one.name, other.name));
}

function Hosts() {
  const { data, error, again } = useLoad<Listed[]>("hosts", allHosts);
  const [changed, setChanged] = useState<ReadonlyMap<number, boolean>>(new Map());
  const [sought, setSought] = useState("");
  const isShown = (host: Listed): boolean => changed.get(host.id) ?? !host.hidden_for_guest;
  const found = useMemo(() => {
    const wanted = sought.trim().toLowerCase();
    return (data ?? []).filter((host) => `${host.name}\n${host.group}`.toLowerCase().includes(wanted));
  }, [data, sought]);
  const show = async (host: Listed, shown: boolean): Promise<void> => {
    const mark = (value: boolean): void => setChanged((before) => new Map(before).set(host.id, value));
    // At once, and back when it was refused.
    mark(shown);
    try {
      await send("PATCH", `${HOSTS}/${host.id}`, { hidden_for_guest: !shown });
    } catch (thrown) {
      mark(!shown);
      toast(describe(asApiError(thrown)), "bad");
    }
  };
  const count = data?.filter(isShown).length ?? 0;
  const rest = found.length - MAX_SHOWN;
  return (
    <Card title={s("guest_hosts")} actions={data && data.length > 0 && <span class="muted">{s("guest_hosts_count", { shown: count, all: data.length })}</span>}>
      <div class="ui-form">
        <p class="muted">{s("guest_hosts_about")}</p>
        {error && !data && <ErrorNote error={error} retry={again} />}
        {!data && !error && <Spinner />}
        {data?.length === 0 && <Empty title={s("guest_hosts_none")} />}
        {data && data.length > 8 && (
          <TextInput type="search" value={sought} placeholder={s("guest_hosts_find")} aria-label={s("guest_hosts_find")} onInput={setSought} />
        )}
        {data && data.length > 0 && found.length === 0 && <p class="muted">{s("guest_hosts_none_found")}</p>}
        {found.length > 0 && (
          <ul class="settings-switches">
            {found.slice(0, MAX_SHOWN).map((host) => (
              <li key={host.id}>
                <Switch
                  checked={isShown(host)}
                  onChange={(shown) => void show(host, shown)}
                  label={<><span class="unseen">{s("guest_hosts_show", { name: "" })}</span>{host.name}{host.group !== "" && <span class="muted settings-group">{host.group}</span>}</>}
                />
              </li>
            ))}
          </ul>
        )}
        {rest > 0 && <p class="muted">{s("guest_hosts_more", { count: rest })}</p>}
      </div>
    </Card>
  );
}
