// The messages of the settings pages, and shorter ways to say them.

import { register, t } from "../../app/i18n.ts";
import en from "../../messages/en/settings.json";
import zh from "../../messages/zh/settings.json";
import { spanOf } from "./budget.ts";
import type { ChannelSetting } from "./wire.ts";

register("settings", { en, zh });

/** A message of the settings. */
export const s = (key: string, values?: Record<string, string | number>): string => t(`settings.${key}`, values);

/** A message where there is one; another text where there is none, such as the server's own. */
export function sOr(key: string, otherwise: string): string {
  const found = s(key);
  return found === `settings.${key}` ? otherwise : found;
}

/** What a channel's setting is; in the server's words where it is newer than this page. */
export function aboutOf(kind: string, setting: ChannelSetting): string {
  const text = sOr(`about_${kind}_${setting.name}`, setting.about);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a kind of channel is called. */
export const kindName = (kind: string): string => sOr(`kind_${kind}`, kind);

/** Hours in words: `8 days`. */
export function spanWords(hours: number): string {
  const { count, unit } = spanOf(hours);
  return s(`span_${unit}`, { count });
}
