// A channel's form, made of what `GET channels/kinds` says of its kind: what stands in it, and what is sent. Pure.

import { MASK } from "./wire.ts";
import type { Channel, ChannelKind, ChannelSetting } from "./wire.ts";

/** What is in the form, by the name of the setting; a secret that is kept is absent until it is typed anew. */
export type Values = Record<string, string>;

/** What stands in the form: of a channel that is there, its settings without its secrets; of a new one, nothing. */
export function initialValues(kind: ChannelKind, channel?: Channel): Values {
  const values: Values = {};
  for (const setting of kind.settings) {
    const kept = channel?.config?.[setting.name];
    if (kept !== undefined && !(setting.secret && kept === MASK)) values[setting.name] = kept;
  }
  return values;
}

/** Whether the channel holds a secret for this setting that stays unless it is typed anew. */
export function isKept(setting: ChannelSetting, channel?: Channel): boolean {
  return setting.secret && channel?.config?.[setting.name] === MASK;
}

/** The settings of a new channel. */
export function newConfig(kind: ChannelKind, values: Values): Record<string, string> {
  const config: Record<string, string> = {};
  for (const { name } of kind.settings) {
    const value = (values[name] ?? "").trim();
    if (value !== "") config[name] = value;
  }
  return config;
}

/**
 * The settings of a channel that change: null takes one away. A secret that was not typed anew is not among them, and is taken
 * away only when `dropped` names it.
 */
export function changedConfig(
  kind: ChannelKind,
  channel: Channel,
  values: Values,
  dropped: ReadonlySet<string> = new Set(),
): Record<string, string | null> {
  const config: Record<string, string | null> = {};
  for (const setting of kind.settings) {
    const { name } = setting;
    const before = channel.config?.[name] ?? "";
    const value = (values[name] ?? "").trim();
    if (dropped.has(name)) {
      if (before !== "") config[name] = null;
    } else if (isKept(setting, channel)) {
      if (value !== "") config[name] = value;
    } else if (value !== before) {
      config[name] = value === "" ? null : value;
    }
  }
  return config;
}

/** What is wrong with the form before it is sent, by the name of the setting: `required`, `number`, `bounds` or `json`. */
export function problems(kind: ChannelKind, values: Values, channel?: Channel): Record<string, string> {
  const found: Record<string, string> = {};
  for (const setting of kind.settings) {
    const value = (values[setting.name] ?? "").trim();
    if (value === "") {
      if (setting.required && !isKept(setting, channel)) found[setting.name] = "required";
      continue;
    }
    const problem = problemOf(setting, value);
    if (problem) found[setting.name] = problem;
  }
  return found;
}

function problemOf(setting: ChannelSetting, value: string): string | undefined {
  if (setting.input === "number") {
    if (!/^-?\d+$/.test(value)) return "number";
    const number = Number(value);
    const isWithin = number >= (setting.least ?? -Infinity) && number <= (setting.most ?? Infinity);
    return isWithin ? undefined : "bounds";
  }
  if (setting.input === "json") return isObjectOfTexts(value) ? undefined : "json";
  return undefined;
}

function isObjectOfTexts(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) &&
      Object.values(parsed).every((value) => typeof value === "string");
  } catch {
    return false;
  }
}

/** Required settings first and the optional ones after them, each in the order of the list. */
export function parted(kind: ChannelKind): { needed: ChannelSetting[]; optional: ChannelSetting[] } {
  return {
    needed: kind.settings.filter((setting) => setting.required),
    optional: kind.settings.filter((setting) => !setting.required),
  };
}

/** What to show as the receiver's: its host, chat, address or topic, whichever is no secret; empty when all of it is. */
export function receiverOf(channel: Channel): string {
  const config = channel.config ?? {};
  for (const name of ["to", "chat_id", "host", "server", "domain", "username"]) {
    const value = config[name];
    if (value && value !== MASK) return value;
  }
  return "";
}
