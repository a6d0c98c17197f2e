// What governs all charts of a page: the range, average or maximum, and the legend of the shaded bands.

import { useEffect, useState } from "preact/hooks";

import { duration } from "../app/format.ts";
import { t } from "../app/i18n.ts";
import { bind } from "../app/keys.ts";
import { serverNowMs } from "../live/store.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import type { Board } from "./board.ts";
import type { BandKind } from "./gaps.ts";
import { PRESETS, type Range, bounds, span } from "./range.ts";
import { writeMoment } from "./time.ts";
import "./words.ts";

export interface ToolbarProps {
  board: Board;
  /** Whether only averages are kept of what is shown. */
  onlyAverages?: boolean;
}

/** The range picker and the switch between average and maximum. */
export function Toolbar({ board, onlyAverages }: ToolbarProps) {
  const [isCustom, setCustom] = useState(false);
  const range = board.range.value;
  const show = board.show.value;
  useEffect(() => bind("z", t("charts.key_undo"), () => board.undo()), []);
  useEffect(() => bind("m", t("charts.key_show"), () => board.chooseShow(board.show.peek() === "average" ? "maximum" : "average")), []);
  const chosen = range.kind === "live" ? "live" : range.kind === "last" ? range.name : "custom";
  const choose = (name: string): void => {
    const preset = PRESETS.find((one) => one.name === name);
    if (name === "custom") setCustom(true);
    else if (name === "live") board.choose({ kind: "live" });
    else if (preset) board.choose({ kind: "last", ...preset });
  };
  const names = ["live", ...PRESETS.map((one) => one.name), "custom"];
  return (
    <div class="chart-toolbar">
      <div class="chart-ranges" role="group" aria-label={t("charts.range")}>
        {names.map((name) => (
          <button key={name} type="button" class="chart-range" aria-pressed={name === chosen} onClick={() => choose(name)}>
            {name === "live" && <span class="chart-live-dot" aria-hidden="true" />}
            {name === "live" || name === "custom" ? t(`charts.${name}`) : t(`charts.range_${name}`)}
          </button>
        ))}
      </div>
      <select class="ui-input chart-range-select" aria-label={t("charts.range")} value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        {names.map((name) => <option key={name} value={name}>{name === "custom" ? t("charts.custom") : t(`charts.long_${name}`)}</option>)}
      </select>
      <div class="chart-shows" role="group" aria-label={t("charts.show")} title={onlyAverages ? t("charts.only_averages") : undefined}>
        {(["average", "maximum"] as const).map((one) => (
          <button key={one} type="button" class="chart-range" aria-pressed={show === one} onClick={() => board.chooseShow(one)}>{t(`charts.show_${one}`)}</button>
        ))}
      </div>
      <span class="chart-span">
        {range.kind === "span" && (
          <>
            <Step board={board} range={range} way={-1} />
            <span class="chart-span-text">{writeMoment(range.fromS, 60)} – {writeMoment(range.toS, 60)}</span>
            <Step board={board} range={range} way={1} />
          </>
        )}
        {board.canUndo.value && <Button small onClick={() => board.undo()}>{t("charts.undo")}</Button>}
      </span>
      {isCustom && <Custom board={board} onClose={() => setCustom(false)} />}
    </div>
  );
}

/** Goes half a span earlier or later. */
function Step({ board, range, way }: { board: Board; range: Range & { kind: "span" }; way: 1 | -1 }) {
  const half = Math.ceil((range.toS - range.fromS) / 2);
  const next = span(range.fromS + way * half, range.toS + way * half);
  const name = t(way < 0 ? "charts.earlier" : "charts.later");
  const isFuture = way > 0 && range.toS >= serverNowMs() / 1000;
  return (
    <button type="button" class="chart-tool" aria-label={name} title={name} disabled={isFuture} onClick={() => next && board.choose(next)}>
      <span aria-hidden="true">{way < 0 ? "←" : "→"}</span>
    </button>
  );
}

function Custom({ board, onClose }: { board: Board; onClose: () => void }) {
  const nowS = serverNowMs() / 1000;
  const now = bounds(board.range.peek(), nowS);
  const [from, setFrom] = useState(localText(now.fromS));
  const [to, setTo] = useState(localText(now.toS));
  const [trouble, setTrouble] = useState<string | null>(null);
  const apply = (): void => {
    const [fromS, toS] = [Date.parse(from) / 1000, Date.parse(to) / 1000];
    const next = span(fromS, toS);
    if (!next) setTrouble(t("charts.range_order"));
    else if (fromS > nowS) setTrouble(t("charts.range_future"));
    else {
      board.choose(next);
      onClose();
    }
  };
  return (
    <Dialog title={t("charts.custom_title")} onClose={onClose} actions={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" onClick={apply}>{t("charts.apply")}</Button></>}>
      <form
        class="ui-form"
        onSubmit={(event) => {
          event.preventDefault();
          apply();
        }}
      >
        <div class="ui-form-row">
          <label class="ui-field"><span class="ui-label">{t("charts.from")}</span><input class="ui-input" type="datetime-local" step={1} required value={from} onInput={(event) => setFrom(event.currentTarget.value)} /></label>
          <label class="ui-field"><span class="ui-label">{t("charts.to")}</span><input class="ui-input" type="datetime-local" step={1} required value={to} onInput={(event) => setTo(event.currentTarget.value)} /></label>
        </div>
        {trouble && <p class="ui-field-error" role="alert">{trouble}</p>}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}

/** As a field for date and time has it, in the viewer's zone. */
function localText(atS: number): string {
  const date = new Date(atS * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

const ORDER: readonly BandKind[] = ["down", "cut", "away", "late", "unknown"];

/** What the shaded bands mean, and how long each lasted; nothing where there are none. */
export function BandLegend({ sums }: { sums: ReadonlyMap<BandKind, { count: number; seconds: number }> }) {
  const kinds = ORDER.filter((kind) => sums.has(kind));
  if (kinds.length === 0) return null;
  return (
    <ul class="chart-bands" aria-label={t("charts.gaps")}>
      {kinds.map((kind) => {
        const sum = sums.get(kind) ?? { count: 0, seconds: 0 };
        return (
          <li key={kind} title={t(`charts.why_${kind}`)}>
            <span class={`chart-band-swatch chart-band-${kind}`} aria-hidden="true" />
            <span>{t(`charts.band_${kind}`)}</span>
            <span class="muted">{t("charts.band_sum", { count: sum.count, time: duration(sum.seconds) })}</span>
            <span class="unseen">{t(`charts.why_${kind}`)}</span>
          </li>
        );
      })}
    </ul>
  );
}
