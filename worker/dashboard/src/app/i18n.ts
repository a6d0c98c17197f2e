// The page's words in two languages. Messages of a part are registered by the part itself, so that the first paint holds few.

import { signal, type Signal } from "@preact/signals";

import { recall, remember } from "./stored.ts";

export type Language = "en" | "zh";
type Messages = Record<string, string>;

const sections = new Map<string, Record<Language, Messages>>();

/** The language that is shown. Components that use `t` are drawn again when it changes. */
export const language: Signal<Language> = signal(firstLanguage());

/** The tag of the language, for Intl and `lang`. */
export function locale(): string {
  return language.value === "zh" ? "zh-CN" : "en";
}

/** Takes in the messages of a section: keys without the section's name. */
export function register(section: string, messages: Record<Language, Messages>): void {
  sections.set(section, messages);
}

/** Chooses the language, here and for next time. */
export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  remember("language", chosen);
  document.documentElement.lang = locale();
}

/** A message with its values in it. `count` also chooses between `name.one` and `name.other`. A missing message is its key. */
export function t(key: string, values?: Record<string, string | number>): string {
  const text = find(key, language.value, values?.count) ?? find(key, "en", values?.count);
  if (text === undefined) return key;
  return values === undefined ? text : fill(text, values);
}

function find(key: string, wanted: Language, count: string | number | undefined): string | undefined {
  const dot = key.indexOf(".");
  const messages = sections.get(key.slice(0, dot))?.[wanted];
  const name = key.slice(dot + 1);
  if (messages === undefined) return undefined;
  if (typeof count === "number") {
    const plural = messages[`${name}.${pluralOf(wanted, count)}`] ?? messages[`${name}.other`];
    if (plural !== undefined) return plural;
  }
  return messages[name];
}

/** Chinese has one form; English two. */
function pluralOf(wanted: Language, count: number): "one" | "other" {
  return wanted === "en" && count === 1 ? "one" : "other";
}

function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(locale()).format(value) : value;
  });
}

function firstLanguage(): Language {
  const chosen = recall("language");
  if (chosen === "en" || chosen === "zh") return chosen;
  const system = typeof navigator === "undefined" ? "en" : (navigator.language ?? "en");
  return system.startsWith("zh") ? "zh" : "en";
}
