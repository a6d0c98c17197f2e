// Keys that do something. A binding is a key (`/`), one with a modifier (`mod+k`, Ctrl or Cmd) or two in a row (`g f`).

import { signal, type ReadonlySignal } from "@preact/signals";

export interface Binding {
  keys: string;
  label: string;
  run: () => void;
}

const SEQUENCE_MS = 900;
const bound = signal<readonly Binding[]>([]);
/** What is bound now, oldest first; the newest of a key counts. */
export const bindings: ReadonlySignal<readonly Binding[]> = bound;

/** Binds keys. `label` says in the help what they do; an empty one keeps them out of it. The result takes the binding back. */
export function bind(keys: string, label: string, run: () => void): () => void {
  const binding = { keys, label, run };
  bound.value = [...bound.peek(), binding];
  return () => {
    bound.value = bound.peek().filter((other) => other !== binding);
  };
}

/** The name of a pressed key, as bindings write it. */
export function nameOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): string | null {
  if (event.altKey || ["Control", "Meta", "Alt", "Shift"].includes(event.key)) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.ctrlKey || event.metaKey ? `mod+${key}` : key;
}

/** Listens to the keyboard. Once, at the start. */
export function startKeys(): void {
  let first: { name: string; at: number } | null = null;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat && event.key.length > 1 && !event.key.startsWith("Arrow")) return;
    const name = nameOf(event);
    if (name === null) return;
    // Whoever writes means letters; a dialog has keys of its own.
    if (!name.startsWith("mod+") && (isWriting(event.target) || document.querySelector("dialog[open]"))) return;
    const before = first !== null && Date.now() - first.at < SEQUENCE_MS ? `${first.name} ${name}` : null;
    first = null;
    const all = bound.peek();
    const found = (before !== null ? all.findLast((one) => one.keys === before) : undefined) ?? all.findLast((one) => one.keys === name);
    if (found) {
      event.preventDefault();
      found.run();
    } else if (all.some((one) => one.keys.startsWith(`${name} `))) {
      first = { name, at: Date.now() };
    }
  });
}

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
