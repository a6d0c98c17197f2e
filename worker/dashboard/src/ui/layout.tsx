// How a page is laid out: its head, cards, tabs, tables.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { locale, t } from "../app/i18n.ts";
import { LinkButton } from "./Button.tsx";
import { Empty } from "./feedback.tsx";

/** The one h1 of a page, which also names the tab. */
export function PageHeader({ title, actions, children }: { title: string; actions?: ComponentChildren; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Edgewatch`;
  }, [title]);
  return (
    <div class="ui-page-header">
      <div class="ui-page-title">
        <h1>{title}</h1>
        {children}
      </div>
      {actions && <div class="ui-actions">{actions}</div>}
    </div>
  );
}

export function Card({ title, actions, children, flush }: { title?: ComponentChildren; actions?: ComponentChildren; children?: ComponentChildren; flush?: boolean }) {
  return (
    <section class="ui-card">
      {(title || actions) && (
        <div class="ui-card-head">
          {title && <h2>{title}</h2>}
          {actions && <div class="ui-actions">{actions}</div>}
        </div>
      )}
      <div class={flush ? "ui-card-flush" : "ui-card-body"}>{children}</div>
    </section>
  );
}

export interface Tab {
  id: string;
  label: ComponentChildren;
  count?: number;
}

/** A choice of views. With `href` they are links, each a page of its own. */
export function Tabs({ tabs, active, onChange, href, label }: { tabs: readonly Tab[]; active: string; onChange?: (id: string) => void; href?: (id: string) => string; label: string }) {
  const inner = (tab: Tab): ComponentChildren => (
    <>
      {tab.label}
      {tab.count !== undefined && <span class="ui-tab-count">{new Intl.NumberFormat(locale()).format(tab.count)}</span>}
    </>
  );
  if (href) {
    return (
      <nav class="ui-tabs" aria-label={label}>
        {tabs.map((tab) => <a key={tab.id} href={href(tab.id)} class="ui-tab" aria-current={tab.id === active ? "page" : undefined}>{inner(tab)}</a>)}
      </nav>
    );
  }
  return (
    <div class="ui-tabs" role="group" aria-label={label}>
      {tabs.map((tab) => <button key={tab.id} type="button" class="ui-tab" aria-pressed={tab.id === active} onClick={() => onChange?.(tab.id)}>{inner(tab)}</button>)}
    </div>
  );
}

export interface Column<Row> {
  key: string;
  head: ComponentChildren;
  cell: (row: Row) => ComponentChildren;
  /** What rows are sorted by; a column without it cannot be chosen. Unknown goes last. */
  sort?: (row: Row) => string | number | null | undefined;
  align?: "right";
  /** The column that names the row. */
  isName?: boolean;
  /** Left out on a phone. */
  wideOnly?: boolean;
}

export interface TableProps<Row> {
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
  caption: string;
  /** The column that is sorted by at first; a minus in front turns it round. */
  sortBy?: string;
  empty?: ComponentChildren;
}

/** A plain table, for up to some hundred rows; its head sorts. */
export function Table<Row>({ columns, rows, rowKey, caption, sortBy, empty }: TableProps<Row>) {
  const [sort, setSort] = useState(sortBy ?? "");
  const down = sort.startsWith("-");
  const key = down ? sort.slice(1) : sort;
  const by = columns.find((column) => column.key === key)?.sort;
  const sorted = useMemo(() => (by ? [...rows].sort((one, other) => compare(by(one), by(other), down)) : rows), [rows, key, down]);
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  return (
    <div class="ui-table-wrap" role="region" aria-label={caption} tabIndex={0}>
      <table class="ui-table">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" class={cellClass(column)} aria-sort={column.key === key ? (down ? "descending" : "ascending") : undefined}>
                {column.sort ? (
                  <button type="button" class="ui-sort" onClick={() => setSort(column.key === key && !down ? `-${column.key}` : column.key)}>{column.head}</button>
                ) : (
                  column.head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (column.isName ? <th key={column.key} scope="row" class={cellClass(column)}>{column.cell(row)}</th> : <td key={column.key} class={cellClass(column)}>{column.cell(row)}</td>))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellClass<Row>(column: Column<Row>): string | undefined {
  return [column.align === "right" ? "number" : "", column.wideOnly ? "ui-wide-only" : ""].filter(Boolean).join(" ") || undefined;
}

const collators = new Map<string, Intl.Collator>();

/** Texts as people sort them, numbers in them by their value. */
export function compareTexts(one: string, other: string): number {
  let collator = collators.get(locale());
  if (!collator) {
    collator = new Intl.Collator(locale(), { numeric: true, sensitivity: "base" });
    collators.set(locale(), collator);
  }
  return collator.compare(one, other);
}

function compare(one: string | number | null | undefined, other: string | number | null | undefined, down: boolean): number {
  const [a, b] = [one ?? null, other ?? null];
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const order = typeof a === "number" && typeof b === "number" ? a - b : compareTexts(String(a), String(b));
  return down ? -order : order;
}

/** Names and values, side by side. */
export function Facts({ facts }: { facts: readonly (readonly [ComponentChildren, ComponentChildren])[] }) {
  return (
    <dl class="ui-facts">
      {facts.map(([name, value], at) => <div key={at}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

/** What a page says to those who may not use it. */
export function NotAllowed() {
  return <p class="muted">{t("common.admin_only")}</p>;
}

/** For an address, or a thing of a page, that is not there. */
export function NotHere({ title }: { title?: string }) {
  return <Empty title={title ?? t("common.not_here")} action={<LinkButton href="/">{t("common.back_to_fleet")}</LinkButton>}>{t("common.not_here_hint")}</Empty>;
}
