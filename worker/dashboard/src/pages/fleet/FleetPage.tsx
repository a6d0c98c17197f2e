// The fleet: every host now, found, sorted and grouped.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { hostOrder } from "../../app/actions.ts";
import { t } from "../../app/i18n.ts";
import { bind } from "../../app/keys.ts";
import { location, setQuery } from "../../app/router.ts";
import { session } from "../../app/session.ts";
import { recall, recallJson, remember } from "../../app/stored.ts";
import { hosts, isKnown, liveState, serverNowMs } from "../../live/store.ts";
import type { HostNow } from "../../live/types.ts";
import { Button, LinkButton } from "../../ui/Button.tsx";
import { Empty, Spinner } from "../../ui/feedback.tsx";
import { CardsIcon, PlusIcon, RowsIcon, SearchIcon } from "../../ui/icons.tsx";
import { compareTexts, Tabs } from "../../ui/layout.tsx";
import { FleetCards, FleetTable } from "./List.tsx";
import { counts, type GroupBy, type Item, listed, moves, type Shown, type SortKey, type View } from "./view.ts";
import "./fleet.css";

/** Ages are written anew this often, and rows sorted by what changes are sorted anew this often: not under anybody's mouse. */
const AGE_MS = 5_000;
const SORT_MS = 10_000;
const SORT_KEYS: readonly SortKey[] = ["order", "name", "cpu", "memory", "disk", "swap", "load", "down", "up", "uptime", "seen"];
const GROUPS: readonly GroupBy[] = ["none", "group", "tag", "country"];

type Look = "table" | "cards";

export default function FleetPage() {
  const { query } = location.value;
  const [typed, setTyped] = useState(query.get("q") ?? "");
  const [groupBy, setGroupBy] = useState<GroupBy>(() => oneOf(GROUPS, recall("fleet.group"), "none"));
  const [[sort, isDown], setSort] = useState<[SortKey, boolean]>(() => rememberedSort());
  const [folded, setFolded] = useState<ReadonlySet<string>>(() => new Set(recallJson<string[]>("fleet.folded", [])));
  const [look, setLook] = useState<Look>(() => (recall("fleet.look") === "cards" ? "cards" : "table"));
  const shown = oneOf<Shown>(["all", "online", "offline", "never"], query.get("show"), "all");
  const view = useMemo<View>(() => ({ typed, shown, groupBy, sort, isDown, folded }), [typed, shown, groupBy, sort, isDown, folded]);

  const all = hosts.value;
  const nowMs = useNow();
  const items = useItems(all, view);
  const sums = useMemo(() => counts(all.values(), typed), [all, typed]);
  const field = useRef<HTMLInputElement>(null);
  const reach = useRef<(key: string) => void>(() => {});
  const who = session.value;
  const isGuest = Boolean(who?.guest);

  useEffect(() => {
    document.title = `${sums.offline > 0 ? `(${sums.offline}) ` : ""}${t("fleet.title")} · Edgewatch`;
  });
  useEffect(() => {
    // The address keeps what was typed, for coming back; not at every letter.
    const timer = setTimeout(() => setQuery({ q: typed === "" ? null : typed }), 300);
    return () => clearTimeout(timer);
  }, [typed]);

  const chooseLook = (wanted: Look): void => {
    setLook(wanted);
    remember("fleet.look", wanted);
  };
  const chooseSort = (key: SortKey, down: boolean): void => {
    setSort([key, down]);
    remember("fleet.sort", `${down ? "-" : ""}${key}`);
  };
  const onSort = (key: SortKey): void => chooseSort(key, key === sort ? !isDown : key !== "name");
  const fold = (next: ReadonlySet<string>): void => {
    setFolded(next);
    remember("fleet.folded", JSON.stringify([...next]));
  };
  const onFold = (key: string): void => {
    const next = new Set(folded);
    if (!next.delete(key)) next.add(key);
    fold(next);
  };

  const newest = useRef({ items, look });
  newest.current = { items, look };
  useEffect(() => {
    const step = (by: 1 | -1) => (): void => {
      const rows = newest.current.items.filter((item) => item.kind === "host");
      const open = document.activeElement?.closest("[data-key]")?.getAttribute("data-key");
      const at = rows.findIndex((item) => item.key === open);
      const next = rows[at === -1 ? (by === 1 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + by))];
      if (next) reach.current?.(next.key);
    };
    const ends = [
      bind("/", "common.key_filter", () => field.current?.select()),
      bind("j", "common.key_next_row", step(1)),
      bind("ArrowDown", "common.key_next_row", step(1)),
      bind("k", "common.key_previous_row", step(-1)),
      bind("ArrowUp", "common.key_previous_row", step(-1)),
      bind("v", "common.key_view", () => chooseLook(newest.current.look === "table" ? "cards" : "table")),
    ];
    return () => ends.forEach((end) => end());
  }, []);

  const tabs = (["all", "online", "offline", "never"] as const)
    .filter((id) => id !== "never" || sums.never > 0 || shown === "never")
    .map((id) => ({ id, label: id === "all" ? t("fleet.all") : <><span class={`ui-presence ui-presence-${id}`} aria-hidden="true" />{t(`fleet.${id}`)}</>, count: sums[id] }));
  const groupKeys = items.filter((item) => item.kind === "group").map((item) => item.key);
  const areAllFolded = groupKeys.length > 0 && groupKeys.every((key) => folded.has(key));
  const List = look === "table" ? FleetTable : FleetCards;
  return (
    <div class="fleet" data-stale={!liveState.value.live}>
      <h1 class="unseen">{t("fleet.title")}</h1>
      <div class="fleet-bar">
        <Tabs label={t("fleet.state")} tabs={tabs} active={shown} onChange={(id) => setQuery({ show: id === "all" ? null : id })} />
        <label class="fleet-filter">
          <SearchIcon />
          <span class="unseen">{t("fleet.filter")}</span>
          <input
            ref={field}
            type="search"
            placeholder={t("fleet.filter_short")}
            title={t("fleet.filter")}
            autocomplete="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            onKeyDown={(event) => {
              const first = items.find((item) => item.kind === "host");
              if (event.key === "Escape") {
                setTyped("");
                event.currentTarget.blur();
              } else if ((event.key === "ArrowDown" || event.key === "Enter") && first) {
                event.preventDefault();
                reach.current?.(first.key);
              }
            }}
          />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <div class="fleet-tools">
          <Choose label={t("fleet.group_by")} value={groupBy} onChange={(value) => {
            setGroupBy(value as GroupBy);
            remember("fleet.group", value);
          }} options={GROUPS.map((value) => [value, t(`fleet.group_${value}`)])} />
          {groupKeys.length > 1 && <Button small kind="quiet" onClick={() => fold(areAllFolded ? new Set() : new Set([...folded, ...groupKeys]))}>{t(areAllFolded ? "fleet.expand_all" : "fleet.collapse_all")}</Button>}
          <span class={look === "table" ? "fleet-sort-choice fleet-phone-only" : "fleet-sort-choice"}>
            <Choose label={t("fleet.sort_by")} value={sort} onChange={(value) => chooseSort(value as SortKey, value !== "name" && value !== "order")} options={SORT_KEYS.map((value) => [value, t(value === "name" ? "fleet.host" : `fleet.${value}`)])} />
          </span>
          <div class="fleet-look" role="group" aria-label={t("fleet.view")}>
            <button type="button" aria-pressed={look === "table"} aria-label={t("fleet.table")} title={t("fleet.table")} onClick={() => chooseLook("table")}><RowsIcon /></button>
            <button type="button" aria-pressed={look === "cards"} aria-label={t("fleet.cards")} title={t("fleet.cards")} onClick={() => chooseLook("cards")}><CardsIcon /></button>
          </div>
          {who?.isAdmin && <LinkButton href="/ui/add" kind="primary" small icon={<PlusIcon />} aria-label={t("common.add_host")}><span class="fleet-add-text">{t("common.add_host")}</span></LinkButton>}
        </div>
      </div>
      {items.length > 0 ? (
        <List items={items} hosts={all} view={view} nowMs={nowMs} isGuest={isGuest} onSort={onSort} onFold={onFold} reach={reach} />
      ) : !isKnown.value ? (
        <Spinner />
      ) : all.size === 0 ? (
        <Empty title={t("fleet.empty")} action={who?.isAdmin && <LinkButton href="/ui/add" kind="primary" icon={<PlusIcon />}>{t("common.add_host")}</LinkButton>}>{t("fleet.empty_hint")}</Empty>
      ) : (
        <Empty title={t("fleet.none_fits")} action={<Button onClick={() => {
          setTyped("");
          setQuery({ q: null, show: null });
        }}>{t("fleet.clear")}</Button>}>{t("fleet.none_fits_hint")}</Empty>
      )}
    </div>
  );
}

/** The list, made anew when the view or who is there changes, and for what rows are sorted by every ten seconds. */
function useItems(all: ReadonlyMap<number, HostNow>, view: View): readonly Item[] {
  const made = useRef<{ all: ReadonlyMap<number, HostNow>; view: View; at: number; items: readonly Item[] } | null>(null);
  const before = made.current;
  const isByValue = view.sort !== "order" && view.sort !== "name";
  const isDue = !before || before.view !== view || (isByValue && Date.now() - before.at > SORT_MS) || moves(before.all, all);
  if (isDue) made.current = { all, view, at: Date.now(), items: listed(all.values(), view, compareTexts) };
  else before.all = all;
  const items = made.current?.items ?? [];
  useEffect(() => {
    hostOrder.value = [...new Set(items.flatMap((item) => (item.kind === "host" ? [item.id] : [])))];
  }, [items]);
  return items;
}

/** The server's time, every few seconds, while somebody looks. */
function useNow(): number {
  const [now, setNow] = useState(serverNowMs);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && setNow(serverNowMs()), AGE_MS);
    return () => clearInterval(timer);
  }, []);
  // The first frame may come before the first tick.
  return Math.abs(now - serverNowMs()) > AGE_MS * 2 ? serverNowMs() : now;
}

function Choose({ label, value, onChange, options }: { label: string; value: string; onChange: (value: string) => void; options: readonly (readonly [string, string])[] }) {
  return (
    <label class="fleet-choose">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([name, text]) => <option key={name} value={name} selected={name === value}>{text}</option>)}
      </select>
    </label>
  );
}

function oneOf<T extends string>(all: readonly T[], found: string | null, otherwise: T): T {
  return all.find((one) => one === found) ?? otherwise;
}

function rememberedSort(): [SortKey, boolean] {
  const text = recall("fleet.sort") ?? "order";
  return [oneOf(SORT_KEYS, text.replace(/^-/, ""), "order"), text.startsWith("-")];
}
