// A table of any length: it scrolls with the page, and only rows in view are drawn. Heads sort.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { compareTexts } from "../../ui/index.ts";
import { inView } from "./model.ts";

export interface LongColumn<Row> {
  key: string;
  head: string;
  cell: (row: Row) => ComponentChildren;
  sort?: (row: Row) => string | number | null | undefined;
  align?: "right";
  /** Left out where there is little room: from this width of the window on it is there. */
  from?: 720 | 1000 | 1240;
  /** As CSS has it. */
  width?: string;
  /** Likewise, on a phone. */
  phoneWidth?: string;
}

interface Props<Row> {
  columns: readonly LongColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  caption: string;
  sortBy: string;
}

/** Rows are this high, in the style too; on a phone there are two lines. */
const [ROW_PX, PHONE_ROW_PX] = [38, 58];

export function LongTable<Row>({ columns, rows, rowKey, caption, sortBy }: Props<Row>) {
  const [sort, setSort] = useState(sortBy);
  const [width, setWidth] = useState(() => window.innerWidth);
  const [range, setRange] = useState({ from: 0, to: 40 });
  const body = useRef<HTMLTableSectionElement>(null);
  const down = sort.startsWith("-");
  const key = down ? sort.slice(1) : sort;
  const by = columns.find((column) => column.key === key)?.sort;
  const sorted = useMemo(() => (by ? [...rows].sort((one, other) => compare(by(one), by(other), down)) : rows), [rows, key, down]);
  const rowPx = width <= 720 ? PHONE_ROW_PX : ROW_PX;
  const shown = columns.filter((column) => column.from === undefined || width > column.from);

  const look = (): void => {
    const top = body.current?.getBoundingClientRect().top ?? 0;
    const next = inView(sorted.length, rowPx, -top, window.innerHeight);
    setRange((before) => (before.from === next.from && before.to === next.to ? before : next));
  };
  useLayoutEffect(look, [sorted, rowPx]);
  useEffect(() => {
    let asked = false;
    const later = (): void => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        setWidth(window.innerWidth);
        look();
      });
    };
    window.addEventListener("scroll", later, { passive: true });
    window.addEventListener("resize", later);
    return () => {
      window.removeEventListener("scroll", later);
      window.removeEventListener("resize", later);
    };
  });

  const { from, to } = { from: Math.min(range.from, sorted.length), to: Math.min(range.to, sorted.length) };
  return (
    <table class="px-table" aria-rowcount={sorted.length + 1}>
      <caption class="unseen">{caption}</caption>
      <colgroup>{shown.map((column) => <col key={column.key} style={{ width: (width <= 720 ? column.phoneWidth : column.width) ?? "auto" }} />)}</colgroup>
      <thead>
        <tr aria-rowindex={1}>
          {shown.map((column) => (
            <th key={column.key} scope="col" class={column.align === "right" ? "number" : undefined} aria-sort={column.key === key ? (down ? "descending" : "ascending") : undefined}>
              {column.sort ? <button type="button" class="ui-sort" onClick={() => setSort(column.key === key && !down ? `-${column.key}` : column.key)}>{column.head}</button> : column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body}>
        {from > 0 && <tr class="px-space" aria-hidden="true"><td colSpan={shown.length} style={{ height: `${from * rowPx}px` }} /></tr>}
        {sorted.slice(from, to).map((row, at) => (
          <tr key={rowKey(row)} class="px-row" aria-rowindex={from + at + 2}>
            {shown.map((column, place) =>
              place === 0 ? <th key={column.key} scope="row">{column.cell(row)}</th> : <td key={column.key} class={column.align === "right" ? "number" : undefined}>{column.cell(row)}</td>,
            )}
          </tr>
        ))}
        {to < sorted.length && <tr class="px-space" aria-hidden="true"><td colSpan={shown.length} style={{ height: `${(sorted.length - to) * rowPx}px` }} /></tr>}
      </tbody>
    </table>
  );
}

function compare(one: string | number | null | undefined, other: string | number | null | undefined, down: boolean): number {
  const [a, b] = [one ?? null, other ?? null];
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order = typeof a === "number" && typeof b === "number" ? a - b : compareTexts(String(a), String(b));
  return down ? -order : order;
}
