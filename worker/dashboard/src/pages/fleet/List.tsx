// The fleet as a table or as cards: the lines that are in view, and nothing else.

import { type RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { t } from "../../app/i18n.ts";
import { showHosts } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import { ChevronIcon } from "../../ui/icons.tsx";
import { COLUMNS, HostCard, HostRow } from "./cells.tsx";
import { type GroupBy, type Item, lines, offsets, type SortKey, type View } from "./view.ts";
import { type Range, useMedia, useVisible, useWidth } from "./visible.ts";

export interface ListProps {
  items: readonly Item[];
  hosts: ReadonlyMap<number, HostNow>;
  view: View;
  nowMs: number;
  isGuest: boolean;
  onSort: (key: SortKey) => void;
  onFold: (key: string) => void;
  /** Told how to bring an item into view and give it the focus. */
  reach: RefObject<(key: string) => void>;
}

export const PHONE = "(max-width: 820px)";
const TABLE = { group: 34, host: 38 };
const TABLE_ON_PHONE = { group: 38, host: 80 };
const CARDS = { group: 42, host: 168 };
const CARD_PX = 268;

export function FleetTable(props: ListProps) {
  const { items, view, hosts, nowMs, isGuest, onSort, onFold } = props;
  const isPhone = useMedia(PHONE);
  const list = useRef<HTMLDivElement>(null);
  const all = useMemo(() => lines(items, 1, isPhone ? TABLE_ON_PHONE : TABLE), [items, isPhone]);
  const { tops, range } = useList(list, all, props);
  const drawn = items.slice(range.from, range.to);
  return (
    <div class="fleet-table" role="table" aria-label={t("fleet.title")} aria-rowcount={items.length + 1} aria-colcount={COLUMNS.length + 1}>
      <div class="fleet-head" role="row" aria-rowindex={1}>
        <SortHead column="name" head="fleet.host" view={view} onSort={onSort} />
        {COLUMNS.map((column) => <SortHead key={column.key} column={column.key} head={column.head} view={view} onSort={onSort} isNumber={column.isNumber} />)}
      </div>
      <div class="fleet-body" role="rowgroup" ref={list} style={{ height: `${tops[tops.length - 1] ?? 0}px` }}>
        <div class="fleet-drawn" style={{ transform: `translateY(${tops[range.from] ?? 0}px)` }}>
          {drawn.map((item, at) => {
            const index = range.from + at + 2;
            if (item.kind === "group") {
              return (
                <div key={item.key} class="fleet-group" role="row" aria-rowindex={index} data-key={item.key}>
                  <div role="cell" aria-colspan={COLUMNS.length + 1}><GroupHead item={item} by={view.groupBy} onFold={onFold} /></div>
                </div>
              );
            }
            const host = hosts.get(item.id);
            return host && <HostRow key={item.key} host={host} itemKey={item.key} index={index} nowMs={nowMs} isLink={!isGuest} withGroup={view.groupBy !== "group"} />;
          })}
        </div>
      </div>
    </div>
  );
}

export function FleetCards(props: ListProps) {
  const { items, view, hosts, nowMs, isGuest, onFold } = props;
  const list = useRef<HTMLDivElement>(null);
  const width = useWidth(list);
  const columns = Math.max(1, Math.floor((width + 10) / (CARD_PX + 10)));
  const all = useMemo(() => lines(items, columns, CARDS), [items, columns]);
  const { tops, range } = useList(list, all, props);
  return (
    <div class="fleet-cards" ref={list} style={{ height: `${tops[tops.length - 1] ?? 0}px` }}>
      <div class="fleet-drawn" style={{ transform: `translateY(${tops[range.from] ?? 0}px)` }}>
        {all.slice(range.from, range.to).map((line) => {
          const first = line.items[0];
          if (first?.kind === "group") return <div key={first.key} class="fleet-card-group" data-key={first.key}><GroupHead item={first} by={view.groupBy} onFold={onFold} /></div>;
          return (
            <div key={first?.key} class="fleet-card-line" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
              {line.items.map((item) => {
                const host = item.kind === "host" ? hosts.get(item.id) : undefined;
                return host && <HostCard key={item.key} host={host} itemKey={item.key} nowMs={nowMs} isLink={!isGuest} withGroup={view.groupBy !== "group"} />;
              })}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** What both have in common: the lines in view, telling the server of them, and going to one by key. */
function useList(list: RefObject<HTMLElement | null>, all: ReturnType<typeof lines>, props: ListProps): { tops: Float64Array; range: Range } {
  const tops = useMemo(() => offsets(all), [all]);
  const range = useVisible(list, tops);
  const ids = all.slice(range.from, range.to).flatMap((line) => line.items.flatMap((item) => (item.kind === "host" ? [item.id] : [])));
  const shown = ids.join(" ");
  useEffect(() => showHosts(ids), [shown]);
  props.reach.current = (key) => {
    const at = all.findIndex((line) => line.items.some((item) => item.key === key));
    const element = list.current;
    if (at === -1 || !element) return;
    const begin = element.getBoundingClientRect().top + (tops[at] ?? 0);
    const end = begin + (all[at]?.height ?? 0);
    // Below the page's head and the table's; above the phone's bar.
    const [top, bottom] = [110, window.innerHeight - 80];
    if (begin < top) window.scrollBy(0, begin - top);
    else if (end > bottom) window.scrollBy(0, end - bottom);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const target = element.querySelector(`[data-key="${CSS.escape(key)}"]`);
        target?.querySelector<HTMLElement>("a, button")?.focus({ preventScroll: true });
      }),
    );
  };
  return { tops, range };
}

function SortHead({ column, head, view, onSort, isNumber }: { column: SortKey; head: string; view: View; onSort: (key: SortKey) => void; isNumber?: boolean }) {
  const isOwn = view.sort === column;
  return (
    <div role="columnheader" class={`fleet-cell fleet-${column} ${isNumber ? "number" : ""}`} aria-sort={isOwn ? (view.isDown ? "descending" : "ascending") : "none"}>
      <button type="button" class="fleet-sort" onClick={() => onSort(column)}>{t(head)}</button>
    </div>
  );
}

function GroupHead({ item, by, onFold }: { item: Extract<Item, { kind: "group" }>; by: GroupBy; onFold: (key: string) => void }) {
  return (
    <button type="button" class="fleet-fold" aria-expanded={!item.isFolded} onClick={() => onFold(item.key)}>
      <ChevronIcon />
      <span class="fleet-group-name">{groupName(item.name, by)}</span>
      <span class={item.online < item.count ? "fleet-group-count fleet-group-low" : "fleet-group-count"}>{t("fleet.group_count", { online: item.online, count: item.count })}</span>
    </button>
  );
}

function groupName(name: string, by: GroupBy): string {
  if (name !== "") return by === "country" ? name.toUpperCase() : name;
  return t(by === "tag" ? "fleet.no_tag" : by === "country" ? "fleet.no_country" : "fleet.no_group");
}
