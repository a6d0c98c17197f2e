// What the charts of a page share: the range, how often it was zoomed, which value is shown, and where the crosshair is.

import { type ReadonlySignal, computed, signal } from "@preact/signals";

import { location, setQuery } from "../app/router.ts";
import { type Range, rangeQuery, readRange, sameRange, span } from "./range.ts";
import type { Show } from "./series.ts";

export interface Board {
  /** Charts with the same key move their crosshairs together. */
  key: string;
  range: ReadonlySignal<Range>;
  show: ReadonlySignal<Show>;
  /** Where the crosshair is, Unix seconds; null when it is nowhere. */
  at: { value: number | null };
  /** Whether a zoom can be undone. */
  canUndo: ReadonlySignal<boolean>;
  choose(range: Range): void;
  zoom(fromS: number, toS: number): void;
  undo(): void;
  chooseShow(show: Show): void;
}

let made = 0;

/** The board of a page, which keeps its range and choice in the address: whoever gets the address sees the same. */
export function makeBoard(): Board {
  made += 1;
  const before = signal<readonly Range[]>([]);
  const range = computed(() => readRange(location.value.query));
  const set = (next: Range): void => setQuery(rangeQuery(next));
  return {
    key: `board-${made}`,
    range,
    show: computed(() => (location.value.query.get("show") === "max" ? "maximum" : "average")),
    at: signal<number | null>(null),
    canUndo: computed(() => before.value.length > 0),
    choose(next) {
      // A range that is chosen is a new beginning.
      before.value = [];
      set(next);
    },
    zoom(fromS, toS) {
      const next = span(fromS, toS);
      if (!next || sameRange(next, range.peek())) return;
      before.value = [...before.peek(), range.peek()];
      set(next);
    },
    undo() {
      const last = before.peek().at(-1);
      if (!last) return;
      before.value = before.peek().slice(0, -1);
      set(last);
    },
    chooseShow(show) {
      setQuery({ show: show === "maximum" ? "max" : null });
    },
  };
}
