// What concerns this browser, and what concerns the whole deployment.

import { useState } from "preact/hooks";

import { get, send } from "../../app/api.ts";
import { units, chooseUnits, type Units } from "../../app/format.ts";
import { chooseLanguage, language, type Language } from "../../app/i18n.ts";
import { useLoad } from "../../app/load.ts";
import { session } from "../../app/session.ts";
import { chooseTheme, theme, type Theme } from "../../app/theme.ts";
import { Button, Card, Checkbox, ErrorNote, Field, Select, Spinner, TextInput, toast, useForm } from "../../ui/index.ts";
import { HostPicker } from "./parts.tsx";
import type { AddressNotices, Settings, SocketDialect } from "./wire.ts";
import { s } from "./words.ts";

const SETTINGS = "/api/edgewatch/v1/settings";

export function General() {
  const isAdmin = session.value?.isAdmin ?? false;
  return (
    <div class="settings-stack">
      <Browser />
      {isAdmin && <Deployment />}
    </div>
  );
}

function Browser() {
  return (
    <Card title={s("browser")}>
      <div class="ui-form">
        <p class="muted">{s("browser_about")}</p>
        <div class="ui-form-row">
          <Field label={s("language")}>
            <Select
              value={language.value}
              onChange={(value) => chooseLanguage(value as Language)}
              options={(["en", "zh"] as const).map((value) => ({ value, label: s(`language_${value}`) }))}
            />
          </Field>
          <Field label={s("theme")}>
            <Select
              value={theme.value}
              onChange={(value) => chooseTheme(value as Theme)}
              options={(["system", "light", "dark"] as const).map((value) => ({ value, label: s(`theme_${value}`) }))}
            />
          </Field>
          <Field label={s("units")}>
            <Select
              value={units.value}
              onChange={(value) => chooseUnits(value as Units)}
              options={(["binary", "decimal"] as const).map((value) => ({ value, label: s(`units_${value}`) }))}
            />
          </Field>
        </div>
      </div>
    </Card>
  );
}

function Deployment() {
  const { data, error, again } = useLoad<Settings>("settings", (signal) => get(SETTINGS, undefined, signal));
  if (error && !data) return <ErrorNote error={error} retry={again} />;
  if (!data) return <Spinner />;
  return <Form settings={data} />;
}

type Which = "all" | "except" | "only";

interface Values {
  plain_ip_in_notifications: boolean;
  enabled: boolean;
  group: string;
  which: Which;
  chosen: number[];
  push_agents: "auto" | "manual";
  dialect_hosts: [string, SocketDialect][];
}

function valuesOf(settings: Settings): Values {
  const notices = settings.ip_change_notifications;
  const except = notices.except_hosts ?? [];
  return {
    plain_ip_in_notifications: settings.plain_ip_in_notifications,
    enabled: notices.enabled,
    group: notices.group,
    which: notices.hosts ? "only" : except.length > 0 ? "except" : "all",
    chosen: notices.hosts ?? except,
    push_agents: settings.push_agents,
    dialect_hosts: Object.entries(settings.dialect_hosts ?? {}),
  };
}

function noticesOf({ enabled, group, which, chosen }: Values): AddressNotices {
  const notices: AddressNotices = { enabled, group: group.trim() };
  if (which === "only") notices.hosts = chosen;
  if (which === "except" && chosen.length > 0) notices.except_hosts = chosen;
  return notices;
}

function Form({ settings }: { settings: Settings }) {
  const [saved, setSaved] = useState(settings);
  const form = useForm<Values>(valuesOf(settings), async (values) => {
    const named = values.dialect_hosts.map(([host, word]) => [host.trim(), word] as const).filter(([host]) => host !== "");
    const set = await send<Settings>("PATCH", SETTINGS, {
      plain_ip_in_notifications: values.plain_ip_in_notifications,
      ip_change_notifications: noticesOf(values),
      push_agents: values.push_agents,
      dialect_hosts: Object.fromEntries(named),
    });
    setSaved(set);
    form.reset(valuesOf(set));
    toast(s("saved"), "ok");
  });
  const { values, set } = form;
  const setDialect = (at: number, changed: [string, SocketDialect]): void =>
    set({ dialect_hosts: values.dialect_hosts.map((pair, index) => (index === at ? changed : pair)) });
  const isMissing = values.enabled && values.which === "only" && values.chosen.length === 0;
  return (
    <form class="settings-stack" onSubmit={form.onSubmit}>
      <Card title={s("notices")}>
        <div class="ui-form">
          <Checkbox
            checked={values.plain_ip_in_notifications}
            onChange={(plain_ip_in_notifications) => set({ plain_ip_in_notifications })}
            label={s("plain_ip")}
            hint={s("plain_ip_about")}
          />
          <Checkbox checked={values.enabled} onChange={(enabled) => set({ enabled })} label={s("ip_change")} hint={s("ip_change_about")} />
          {values.enabled && (
            <div class="settings-under">
              <div class="ui-form-row">
                <Field label={s("ip_change_hosts")}>
                  <Select
                    value={values.which}
                    onChange={(which) => set({ which: which as Which })}
                    options={(["all", "except", "only"] as const).map((value) => ({ value, label: s(`ip_change_${value}`) }))}
                  />
                </Field>
                <Field label={s("ip_change_group")} hint={s("ip_change_group_about")} error={form.errors.group}>
                  <TextInput value={values.group} maxLength={64} placeholder="default" onInput={(group) => set({ group })} />
                </Field>
              </div>
              {values.which !== "all" && (
                <Field group label={s(`ip_change_${values.which}`)} error={isMissing ? s("ip_change_choose") : null}>
                  <HostPicker chosen={values.chosen} onChange={(chosen) => set({ chosen })} label={s(`ip_change_${values.which}`)} />
                </Field>
              )}
            </div>
          )}
        </div>
      </Card>
      <Card title={s("agents")}>
        <Field label={s("push_agents")} error={form.errors.push_agents}>
          <Select
            value={values.push_agents}
            onChange={(value) => set({ push_agents: value as Values["push_agents"] })}
            options={(["auto", "manual"] as const).map((value) => ({ value, label: s(`push_${value}`) }))}
          />
        </Field>
      </Card>
      <Card title={s("dialects")}>
        <div class="ui-form">
          <p class="muted">{s("dialects_about")}</p>
          {values.dialect_hosts.length === 0 && <p class="muted">{s("dialect_none")}</p>}
          {values.dialect_hosts.map(([host, word], at) => (
            <div key={at} class="settings-pair">
              <TextInput value={host} maxLength={253} placeholder="pulse.example.com" spellcheck={false} aria-label={s("dialect_host")} onInput={(text) => setDialect(at, [text, word])} />
              <Select
                value={word}
                aria-label={`${s("dialect_word")} ${host}`}
                onChange={(value) => setDialect(at, [host, value as SocketDialect])}
                options={(["nezha", "pulse", "both"] as const).map((value) => ({ value, label: s(`dialect_${value}`) }))}
              />
              <Button kind="quiet" aria-label={s("dialect_remove", { host })} onClick={() => set({ dialect_hosts: values.dialect_hosts.filter((_, index) => index !== at) })}>×</Button>
            </div>
          ))}
          {form.errors.dialect_hosts && <p class="ui-field-error" role="alert">{form.errors.dialect_hosts}</p>}
          <div><Button small onClick={() => set({ dialect_hosts: [...values.dialect_hosts, ["", "pulse"]] })}>{s("dialect_add")}</Button></div>
        </div>
      </Card>
      <ErrorNote error={form.error} />
      <div class={form.isChanged ? "settings-foot settings-foot-changed" : "settings-foot"}>
        <Button type="submit" kind="primary" busy={form.busy} disabled={!form.isChanged || isMissing}>{s("save")}</Button>
        {form.isChanged && <Button onClick={() => form.reset(valuesOf(saved))}>{s("discard")}</Button>}
        {form.isChanged && <span class="muted">{s("unsaved")}</span>}
      </div>
    </form>
  );
}
