// What the palette can do besides going to hosts. Pages add what they offer while they are open.

import { signal, type ReadonlySignal } from "@preact/signals";

export interface Command {
  label: string;
  /** More words by which it is found. */
  words?: string;
  /** Its keys, shown beside it. */
  keys?: string;
  run: () => void;
}

const added = signal<readonly Command[]>([]);
export const commands: ReadonlySignal<readonly Command[]> = added;

/** Adds a command to the palette; the result takes it back. */
export function addCommand(command: Command): () => void {
  added.value = [...added.peek(), command];
  return () => {
    added.value = added.peek().filter((other) => other !== command);
  };
}
