// A channel's form, made of what the server says of its kind. A secret that is kept is never shown, and stays unless it is typed anew.

import { useState } from "preact/hooks";

import { send } from "../../app/api.ts";
import { Button, Dialog, ErrorNote, Field, Select, TextArea, TextInput, useForm } from "../../ui/index.ts";
import { changedConfig, initialValues, isKept, newConfig, parted, problems, type Values } from "./channel-form.ts";
import type { Channel, ChannelKind, ChannelSetting } from "./wire.ts";
import { aboutOf, kindName, s } from "./words.ts";

const CHANNELS = "/api/edgewatch/v1/channels";

interface DialogProps {
  kinds: readonly ChannelKind[];
  groups: readonly string[];
  channel?: Channel;
  onClose: () => void;
  done: (text: string) => void;
}

export function ChannelDialog({ kinds, groups, channel, onClose, done }: DialogProps) {
  const [word, setWord] = useState(channel?.kind ?? kinds[0]?.kind ?? "");
  const kind = kinds.find((one) => one.kind === word);
  return (
    <Dialog
      title={channel ? s("channel_edit", { name: channel.name }) : s("channel_new")}
      wide
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{s("cancel")}</Button>
          <Button type="submit" form="channel" kind="primary">{channel ? s("save") : s("create")}</Button>
        </>
      }
    >
      {!channel && (
        <div class="settings-kind">
          <Field label={s("channel_kind")}>
            <Select value={word} onChange={setWord} options={kinds.map((one) => ({ value: one.kind, label: kindName(one.kind) }))} />
          </Field>
        </div>
      )}
      {/* Another kind has another form; what was typed of its name goes with the old one, which is rare enough. */}
      {kind && <Form key={kind.kind} kind={kind} groups={groups} channel={channel} done={done} />}
    </Dialog>
  );
}

interface FormProps {
  kind: ChannelKind;
  groups: readonly string[];
  channel?: Channel;
  done: (text: string) => void;
}

function Form({ kind, groups, channel, done }: FormProps) {
  const [tried, setTried] = useState(false);
  const [dropped, setDropped] = useState<ReadonlySet<string>>(new Set());
  const form = useForm<Values & { name: string; group: string }>(
    { ...prefixed(initialValues(kind, channel)), name: channel?.name ?? "", group: channel?.group === "default" ? "" : (channel?.group ?? "") },
    async ({ name, group, ...rest }) => {
      const values = plain(rest);
      if (channel) {
        const body: { name?: string; group?: string; config?: Record<string, string | null> } = {};
        if (name !== channel.name) body.name = name;
        if ((group.trim() || "default") !== channel.group) body.group = group.trim();
        const config = changedConfig(kind, channel, values, dropped);
        if (Object.keys(config).length > 0) body.config = config;
        await send("PATCH", `${CHANNELS}/${channel.id}`, body);
        done(s("saved"));
      } else {
        await send("POST", CHANNELS, { name, kind: kind.kind, group: group.trim(), config: newConfig(kind, values) });
        done(s("channel_made"));
      }
    },
  );
  const { values, set, errors } = form;
  const found = problems(kind, plain(values), channel);
  const refused = form.error?.field;
  const errorOf = (setting: ChannelSetting): string | null => {
    // The server names a setting as it is called in the list.
    if (refused === setting.name) return form.error?.message ?? null;
    const problem = found[setting.name];
    if (problem === undefined || (problem === "required" && !tried)) return null;
    return s(`problem_${problem}`, { least: String(setting.least ?? ""), most: setting.most !== undefined && setting.most < 1e9 ? String(setting.most) : "∞" });
  };
  const fieldOf = (setting: ChannelSetting) => (
    <SettingField
      key={setting.name}
      kind={kind.kind}
      setting={setting}
      value={values[`config.${setting.name}`] ?? ""}
      onInput={(value) => set({ [`config.${setting.name}`]: value })}
      error={errorOf(setting)}
      kept={isKept(setting, channel)}
      isDropped={dropped.has(setting.name)}
      drop={(isDropped) => {
        const next = new Set(dropped);
        if (isDropped) next.add(setting.name);
        else next.delete(setting.name);
        setDropped(next);
      }}
    />
  );
  const { needed, optional } = parted(kind);
  const isOpen = optional.some((setting) => (values[`config.${setting.name}`] ?? "") !== "" || isKept(setting, channel) || errorOf(setting) !== null);
  return (
    <form
      id="channel"
      class="ui-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (Object.keys(found).length === 0 && values.name.trim() !== "") form.onSubmit();
      }}
    >
      <div class="ui-form-row">
        <Field label={s("channel_name")} error={errors.name ?? (tried && values.name.trim() === "" ? s("problem_required") : null)}>
          <TextInput value={values.name} maxLength={64} autocomplete="off" required onInput={(name) => set({ name })} />
        </Field>
        <Field label={s("channel_group")} hint={s("channel_group_about")} error={errors.group}>
          <TextInput value={values.group} maxLength={64} autocomplete="off" placeholder="default" list="channel-groups" onInput={(group) => set({ group })} />
        </Field>
        <datalist id="channel-groups">{groups.map((group) => <option key={group} value={group} />)}</datalist>
      </div>
      {needed.map(fieldOf)}
      {optional.length > 0 && (
        <details class="settings-optional" open={isOpen}>
          <summary>{s("channel_optional")}</summary>
          <div class="ui-form">{optional.map(fieldOf)}</div>
        </details>
      )}
      {form.error && (refused === undefined || !kind.settings.some((setting) => setting.name === refused)) && <ErrorNote error={form.error} />}
    </form>
  );
}

/** Settings stand beside the name and the group in one form: a setting may be called `name` too. */
const prefixed = (values: Values): Values => Object.fromEntries(Object.entries(values).map(([name, value]) => [`config.${name}`, value]));
const plain = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith("config.")).map(([name, value]) => [name.slice("config.".length), value]));

interface SettingProps {
  kind: string;
  setting: ChannelSetting;
  value: string;
  onInput: (value: string) => void;
  error: string | null;
  kept: boolean;
  isDropped: boolean;
  drop: (isDropped: boolean) => void;
}

function SettingField({ kind, setting, value, onInput, error, kept, isDropped, drop }: SettingProps) {
  const about = aboutOf(kind, setting);
  const hint = setting.default !== "" && setting.input !== "choice" ? `${about}. ${s("channel_default", { value: setting.default })}` : about;
  const rest = { value, onInput, autocomplete: "off", spellcheck: false, placeholder: kept ? (isDropped ? s("channel_dropped") : s("channel_kept")) : setting.default, disabled: isDropped };
  return (
    <div class="settings-setting">
      <Field label={<code>{setting.name}</code>} hint={hint} error={error}>
        {setting.input === "choice" ? (
          <Select
            value={value}
            onChange={onInput}
            options={[
              { value: "", label: setting.default === "" ? s("channel_choice_none") : s("channel_choice_default", { value: setting.default }) },
              ...(setting.choices ?? []).map((choice) => ({ value: choice, label: choice })),
            ]}
          />
        ) : setting.input === "text" || setting.input === "json" ? (
          <TextArea {...rest} rows={3} class="settings-code" />
        ) : (
          <TextInput {...rest} type={setting.secret ? "password" : "text"} autocomplete={setting.secret ? "new-password" : "off"} inputMode={setting.input === "number" ? "numeric" : undefined} />
        )}
      </Field>
      {kept && !setting.required && (
        <Button small kind="quiet" onClick={() => drop(!isDropped)}>{isDropped ? s("channel_undrop") : s("channel_drop")}</Button>
      )}
    </div>
  );
}
