// How things stand: waiting, nothing there, gone wrong, done.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { ApiError } from "../app/api.ts";
import { t } from "../app/i18n.ts";
import { Button } from "./Button.tsx";
import { CheckIcon, CopyIcon } from "./icons.tsx";

export type Tone = "ok" | "warn" | "bad" | "accent" | "neutral";

/** A turning ring; said aloud unless it is small and stands beside words. */
export function Spinner({ small, label }: { small?: boolean; label?: string }) {
  if (small) return <span class="ui-spinner ui-spinner-small" aria-hidden="true" />;
  return <p class="ui-waiting" role="status"><span class="ui-spinner" aria-hidden="true" /><span class="muted">{label ?? t("common.loading")}</span></p>;
}

/** Nothing to show, and what to do about it. */
export function Empty({ title, children, action }: { title: string; children?: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="ui-empty">
      <p class="ui-empty-title">{title}</p>
      {children && <div class="muted">{children}</div>}
      {action && <div class="ui-empty-action">{action}</div>}
    </div>
  );
}

/** A refusal in words, with another try where that may help. */
export function ErrorNote({ error, retry }: { error: ApiError | Error | null | undefined; retry?: () => void }) {
  if (!error) return null;
  return (
    <div class="ui-error" role="alert">
      <p>{describe(error)}</p>
      {retry && <Button small onClick={retry}>{t("common.try_again")}</Button>}
    </div>
  );
}

/** An error's sentence: ours where we know the case, the server's where it says more. */
export function describe(error: ApiError | Error): string {
  const code = "code" in error ? error.code : "";
  if (code === "unreachable") return t("common.unreachable");
  if (code === "too_many_attempts" && "retryAfterS" in error && error.retryAfterS !== undefined) return t("common.too_many", { count: error.retryAfterS });
  if (code === "forbidden") return t("common.forbidden");
  const text = error.message;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

/** A word with a colour; the word says it all. */
export function Badge({ tone = "neutral", dot, children, title }: { tone?: Tone; dot?: boolean; children: ComponentChildren; title?: string }) {
  return <span class={`ui-badge ui-tone-${tone}`} title={title}>{dot && <span class="ui-dot" aria-hidden="true" />}{children}</span>;
}

/** A dot and a word: how something is. */
export function Status({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`ui-status ui-tone-${tone}`}><span class="ui-dot" aria-hidden="true" />{children}</span>;
}

/** A share of a whole as a bar: 0 to 100. `text` stands beside it unless it is null. */
export function Meter({ value, label, text, warnAt = 80, badAt = 92 }: { value: number | undefined; label: string; text?: string | null; warnAt?: number; badAt?: number }) {
  const known = value !== undefined && Number.isFinite(value);
  const tone = !known ? "" : value >= badAt ? " ui-meter-bad" : value >= warnAt ? " ui-meter-warn" : "";
  return (
    <span class={`ui-meter${tone}`} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={known ? Math.round(value) : 0} aria-valuetext={text ?? undefined}>
      {text !== null && <span class="ui-meter-text">{text ?? (known ? `${Math.round(value)} %` : "–")}</span>}
      <span class="ui-meter-track"><span class="ui-meter-fill" style={{ width: `${known ? Math.max(0, Math.min(100, value)) : 0}%` }} /></span>
    </span>
  );
}

/** A text with a button that copies it. `secret` keeps it on one line of its own face. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const code = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // No clipboard without a secure address: marked, so that one key copies it.
      if (code.current) getSelection()?.selectAllChildren(code.current);
      toast(t("common.copy_by_hand"), "warn");
    }
  };
  return (
    <span class="ui-copy">
      <code ref={code} tabIndex={0} aria-label={label}>{text}</code>
      <Button small onClick={() => void copy()} icon={copied ? <CheckIcon /> : <CopyIcon />}>{copied ? t("common.copied") : t("common.copy")}</Button>
    </span>
  );
}

interface Toast {
  id: number;
  text: string;
  kind: Tone;
}
const toasts = signal<readonly Toast[]>([]);
let lastToast = 0;

/** Says something in passing, at the page's edge. */
export function toast(text: string, kind: Tone = "neutral"): void {
  lastToast += 1;
  const id = lastToast;
  toasts.value = [...toasts.peek().slice(-2), { id, text, kind }];
  setTimeout(() => {
    toasts.value = toasts.peek().filter((one) => one.id !== id);
  }, kind === "bad" ? 9000 : 4500);
}

/** Where toasts appear; the shell has one. */
export function Toasts() {
  return (
    <div class="ui-toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => <p key={one.id} class={`ui-toast ui-tone-${one.kind}`}><span class="ui-dot" aria-hidden="true" />{one.text}</p>)}
    </div>
  );
}
