// Buttons, and links that look like them.

import type { AllHTMLAttributes, ComponentChildren } from "preact";

import { Spinner } from "./feedback.tsx";

export type ButtonKind = "primary" | "plain" | "danger" | "quiet";

interface Look {
  kind?: ButtonKind;
  small?: boolean;
  icon?: ComponentChildren;
}

type ButtonProps = Look & { busy?: boolean; type?: "button" | "submit" | "reset" } & Omit<AllHTMLAttributes<HTMLButtonElement>, "icon" | "type" | "role">;

/** A button; `type` is `button` unless it says `submit`. While `busy` it takes no click. */
export function Button({ kind = "plain", small, busy, icon, children, class: more, disabled, type = "button", ...rest }: ButtonProps) {
  return (
    <button {...(rest as object)} type={type} class={look(kind, small, more)} disabled={disabled || busy} aria-busy={busy || undefined}>
      {busy ? <Spinner small /> : icon}
      {children}
    </button>
  );
}

type LinkProps = Look & { href: string } & Omit<AllHTMLAttributes<HTMLAnchorElement>, "icon" | "href" | "role">;

/** A link that looks like a button. */
export function LinkButton({ kind = "plain", small, icon, children, class: more, ...rest }: LinkProps) {
  return (
    <a {...(rest as object)} class={look(kind, small, more)}>
      {icon}
      {children}
    </a>
  );
}

function look(kind: ButtonKind, small: boolean | undefined, more: unknown): string {
  return ["ui-button", `ui-button-${kind}`, small ? "ui-button-small" : "", typeof more === "string" ? more : ""].filter(Boolean).join(" ");
}
