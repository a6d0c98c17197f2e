// Which lines of a long list are in view. The page scrolls as a whole; only these are drawn.

import { type RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { between } from "./view.ts";

/** Drawn above and below what is seen, so that a fast scroll meets rows and not a void. */
const SPARE_PX = 400;
/** Lines are taken in steps of so many: most scroll events then change nothing. */
const STEP = 4;

export interface Range {
  from: number;
  to: number;
}

/** The lines to draw of a list whose tops are `tops`, which begins where `list` does. */
export function useVisible(list: RefObject<HTMLElement | null>, tops: Float64Array): Range {
  const [range, setRange] = useState<Range>(() => between(tops, 0, window.innerHeight + SPARE_PX));
  const measure = (): void => {
    const element = list.current;
    if (!element) return;
    const above = -element.getBoundingClientRect().top;
    const { from, to } = between(tops, above - SPARE_PX, above + window.innerHeight + SPARE_PX);
    const next = { from: Math.floor(from / STEP) * STEP, to: Math.min(tops.length - 1, Math.ceil(to / STEP) * STEP) };
    setRange((before) => (before.from === next.from && before.to === next.to ? before : next));
  };
  useLayoutEffect(measure, [tops]);
  useEffect(() => {
    let frame = 0;
    const later = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        measure();
      });
    };
    window.addEventListener("scroll", later, { passive: true });
    window.addEventListener("resize", later, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener("scroll", later);
      window.removeEventListener("resize", later);
    };
  }, [tops]);
  // A list that became shorter meanwhile.
  return { from: Math.min(range.from, tops.length - 1), to: Math.min(range.to, tops.length - 1) };
}

/** Whether a media query holds, as it changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const change = (): void => setHolds(list.matches);
    change();
    list.addEventListener("change", change);
    return () => list.removeEventListener("change", change);
  }, [query]);
  return holds;
}

/** The width of an element, as it changes. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const found = element.current;
    if (!found) return undefined;
    setWidth(found.clientWidth);
    const observer = new ResizeObserver(() => setWidth(found.clientWidth));
    observer.observe(found);
    return () => observer.disconnect();
  }, []);
  return width;
}
