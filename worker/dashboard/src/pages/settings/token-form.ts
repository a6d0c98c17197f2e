// What a new token's form holds and sends, and what a list says of tokens. Pure.

import type { Scope, Token, TokenRequest } from "./wire.ts";

export interface TokenForm {
  kind: "api" | "agent";
  note: string;
  scopes: Scope[];
  /** Seconds as text; empty for never. */
  expiry: string;
  /** Empty for any number. */
  uses: string;
  /** One to a line, or with commas between them. */
  ranges: string;
}

export const EMPTY_FORM: TokenForm = { kind: "api", note: "", scopes: ["read"], expiry: "", uses: "", ranges: "" };

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
/** What a form offers, in seconds. */
export const EXPIRIES_S: readonly number[] = [HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S, 90 * DAY_S, 365 * DAY_S];
const MAX_RANGES = 32;
const MAX_NOTE_CHARS = 200;
const MAX_USES = 4_294_967_295;

/** The ranges that a text names. */
export function rangesOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== "");
}

/** Whether a text is an address or a range such as `10.0.0.0/8` or `2001:db8::/32`; the server has the last word. */
export function isRange(text: string): boolean {
  const match = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text);
  if (!match) return false;
  const address = match[1] ?? "";
  const bits = match[2] === undefined ? 0 : Number(match[2]);
  if (address.includes(":")) {
    const halves = address.split("::");
    const groups = address.split(":").filter((group) => group !== "");
    const isWhole = halves.length === 2 ? groups.length < 8 : groups.length === 8 || address.includes(".");
    return halves.length <= 2 && isWhole && bits <= 128;
  }
  const octets = address.split(".");
  return octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255) && bits <= 32;
}

/** What is wrong with a form before it is sent, by field. */
export function problems(form: TokenForm): Partial<Record<keyof TokenForm, string>> {
  const found: Partial<Record<keyof TokenForm, string>> = {};
  if (form.note.length > MAX_NOTE_CHARS) found.note = "long";
  if (form.kind === "api" && form.scopes.length === 0) found.scopes = "none";
  if (form.uses.trim() !== "" && !(/^\d+$/.test(form.uses.trim()) && Number(form.uses) >= 1 && Number(form.uses) <= MAX_USES)) {
    found.uses = "number";
  }
  const ranges = rangesOf(form.ranges);
  if (ranges.length > MAX_RANGES) found.ranges = "many";
  else if (!ranges.every(isRange)) found.ranges = "range";
  return found;
}

/** What is sent for a form. */
export function request(form: TokenForm): TokenRequest {
  const wanted: TokenRequest = { kind: form.kind, note: form.note.trim(), address_ranges: rangesOf(form.ranges) };
  if (form.kind === "api") wanted.scopes = [...form.scopes];
  if (form.expiry !== "") wanted.expires_in_s = Number(form.expiry);
  const registers = form.kind === "agent" || form.scopes.includes("register") || form.scopes.includes("admin");
  if (form.uses.trim() !== "" && registers) wanted.uses = Number(form.uses);
  return wanted;
}

/** Whether a token still opens anything. */
export function standingOf(token: Token, nowS: number): "good" | "expired" | "used_up" {
  if (token.expires_at_s !== null && token.expires_at_s <= nowS) return "expired";
  if (token.uses_left === 0 && token.kind === "agent") return "used_up";
  return "good";
}
