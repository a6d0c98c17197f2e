// Dialogs: the browser's own element, which keeps the focus inside and ends at Esc.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

import { t } from "../app/i18n.ts";
import { Button } from "./Button.tsx";
import { CloseIcon } from "./icons.tsx";

export interface DialogProps {
  title: string;
  onClose: () => void;
  /** Buttons at its foot. */
  actions?: ComponentChildren;
  wide?: boolean;
  children?: ComponentChildren;
}

/** A dialog, open as long as it is drawn. A press outside ends it as Esc does. */
export function Dialog({ title, onClose, actions, wide, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "ui-dialog ui-dialog-wide" : "ui-dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === element.current && onClose()}
    >
      <div class="ui-dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="ui-icon-button" aria-label={t("common.close")} onClick={onClose}><CloseIcon /></button>
      </div>
      <div class="ui-dialog-body">{children}</div>
      {actions && <div class="ui-dialog-foot">{actions}</div>}
    </dialog>
  );
}

interface Question {
  text: string;
  action: string;
  danger: boolean;
  answer: (yes: boolean) => void;
}
const question = signal<Question | null>(null);

/** Asks before something that cannot be taken back. `action` is what the button says. */
export function confirm(text: string, options: { action?: string; danger?: boolean } = {}): Promise<boolean> {
  question.peek()?.answer(false);
  return new Promise((resolve) => {
    question.value = {
      text,
      action: options.action ?? t("common.go_on"),
      danger: options.danger ?? true,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

/** Where questions appear; the shell has one. */
export function Questions() {
  const now = question.value;
  if (!now) return null;
  return (
    <Dialog
      title={t("common.sure")}
      onClose={() => now.answer(false)}
      actions={
        <>
          <Button onClick={() => now.answer(false)}>{t("common.cancel")}</Button>
          <Button kind={now.danger ? "danger" : "primary"} onClick={() => now.answer(true)}>{now.action}</Button>
        </>
      }
    >
      <p>{now.text}</p>
    </Dialog>
  );
}
