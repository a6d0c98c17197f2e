// A chart with all that belongs to it: its name, the drawing, a table of its lines with what they say in words, and a table of all points
// for who cannot see drawings.

import { useSignal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { t } from "../app/i18n.ts";
import { isDark } from "../app/theme.ts";
import type { Board } from "./board.ts";
import "./charts.css";
import { type Band, bandAt } from "./gaps.ts";
import { PointTable, TableIcon } from "./PointTable.tsx";
import { type Shown, colourOf, makePlot, pointAt, renew } from "./plot.ts";
import { type Columns, type Stats, type Value, stack } from "./series.ts";
import { writeMoment } from "./time.ts";
import { type Unit, scaleTo, write } from "./units.ts";

export interface ChartLine {
  label: string;
  stats: Stats;
}

export interface ChartProps {
  board: Board;
  title: string;
  unit: Unit;
  lines: readonly ChartLine[];
  columns: Columns;
  /** How long the time of a point is. */
  stepS: number;
  fromS: number;
  toS: number;
  bands: readonly Band[];
  /** What a line cannot exceed. */
  most?: number;
  /** Whether each line stands on the ones before it. */
  stacked?: boolean;
  /** A sentence below. */
  note?: string;
}

/** One chart. */
export function Chart(props: ChartProps) {
  const { board, title, unit, lines, columns, bands, fromS, toS, stepS } = props;
  const [asTable, setAsTable] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const id = useId();
  const index = useSignal<number | null>(null);
  const values = columns.values.map((line, at) => (hidden.has(lines[at]?.label ?? "") ? line.map((value) => (value === undefined ? undefined : null)) : line));
  return (
    <section class="chart" aria-labelledby={id}>
      <div class="chart-head">
        <h3 id={id}>{title}</h3>
        <Moment index={index} columns={columns} bands={bands} stepS={stepS} />
        <button type="button" class="chart-tool" aria-pressed={asTable} aria-label={t("charts.table_of", { name: title })} title={t("charts.table")} onClick={() => setAsTable(!asTable)}>
          <TableIcon />
        </button>
      </div>
      {asTable ? (
        <PointTable caption={title} labels={lines.map((line) => line.label)} columns={columns} unit={unit} stepS={stepS} bands={bands} />
      ) : (
        <Drawing {...props} values={values} index={index} label={t("charts.drawing", { name: title, from: writeMoment(fromS, 3600), to: writeMoment(toS, 3600) })} key={`${lines.length} ${props.stacked}`} />
      )}
      <Legend
        board={board}
        lines={lines}
        columns={columns}
        unit={unit}
        index={index}
        hidden={hidden}
        toggle={(label) => {
          const next = new Set(hidden);
          if (!next.delete(label)) next.add(label);
          setHidden(next);
        }}
      />
      {props.note && <p class="chart-note">{props.note}</p>}
    </section>
  );
}

type Index = { value: number | null };

interface DrawingProps extends ChartProps {
  values: Value[][];
  index: Index;
  label: string;
}

function Drawing({ board, unit, columns, values, bands, fromS, toS, most, stacked, lines, index, label }: DrawingProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const dark = isDark();
  const drawn = stacked ? stack(values) : values;
  const shown = useRef<Shown | undefined>(undefined);
  shown.current = { columns, drawn, unit, fromS, toS, bands, fills: stacked === true || lines.length === 1, ...extent(drawn, unit, most) };

  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const now = (): Shown => shown.current as Shown;
    const made = makePlot(element, board.key, lines.length, now, {
      moved: (at) => {
        index.value = at;
      },
      marked: (from, to) => board.zoom(from, to),
    });
    plot.current = made;
    const observer = new ResizeObserver(() => {
      const [width, height] = [element.clientWidth, element.clientHeight];
      if (width > 0 && height > 0 && (made.width !== width || made.height !== height)) made.setSize({ width, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
      index.value = null;
    };
  }, []);
  useLayoutEffect(() => {
    if (plot.current && shown.current) renew(plot.current, shown.current);
  }, [columns, values, bands, fromS, toS]);
  // The colours are looked up at each drawing.
  useEffect(() => plot.current?.redraw(false, false), [dark]);

  const move = (at: number): void => {
    const [made, time] = [plot.current, columns.at[at]];
    if (made && time !== undefined) pointAt(made, made.valToPos(time, "x"));
  };
  const key = (event: KeyboardEvent): void => {
    const last = columns.at.length - 1;
    const now = index.value ?? last;
    const time = columns.at[now] ?? toS;
    const quarter = (toS - fromS) / 4;
    const keys: Record<string, () => void> = {
      ArrowLeft: () => move(Math.max(0, now - (event.shiftKey ? 10 : 1))),
      ArrowRight: () => move(Math.min(last, now + (event.shiftKey ? 10 : 1))),
      Home: () => move(0),
      End: () => move(last),
      "+": () => board.zoom(time - quarter, time + quarter),
      "-": () => board.undo(),
    };
    const run = keys[event.key];
    if (!run || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    run();
  };
  const touch = (event: PointerEvent): void => {
    const [made, element] = [plot.current, place.current];
    if (event.pointerType === "mouse" || !made || !element) return;
    const box = made.over.getBoundingClientRect();
    pointAt(made, Math.min(Math.max(0, event.clientX - box.left), box.width - 1));
  };
  return (
    <div
      ref={place}
      class="chart-drawing"
      role="group"
      aria-roledescription={t("charts.chart")}
      aria-label={label}
      tabIndex={0}
      onKeyDown={key}
      onPointerDown={touch}
      onPointerMove={touch}
      onBlur={() => plot.current && pointAt(plot.current, -10)}
    />
  );
}

/** The ends of the axis of values, and the distance of its marks. */
function extent(drawn: readonly (readonly Value[])[], unit: Unit, most: number | undefined): { low: number; top: number; step: number } {
  let [largest, least] = [0, 0];
  for (const line of drawn) {
    for (const value of line) {
      if (typeof value !== "number") continue;
      if (value > largest) largest = value;
      if (value < least) least = value;
    }
  }
  const { top, step } = scaleTo(unit, Math.max(largest, -least), most);
  return { low: least < 0 ? -Math.ceil(-least / step - 1e-9) * step : 0, top: largest <= 0 && least < 0 ? step : top, step };
}

/** The time under the crosshair, and why there is nothing where there is nothing. */
function Moment({ index, columns, bands, stepS }: { index: Index; columns: Columns; bands: readonly Band[]; stepS: number }) {
  const time = index.value === null ? undefined : columns.at[index.value];
  if (time === undefined) return <span class="chart-moment" />;
  const isGap = columns.values.every((line) => typeof line[index.value ?? -1] !== "number");
  const band = isGap ? bandAt(bands, time) : undefined;
  return (
    <span class="chart-moment">
      {band && <span class={`chart-band-word chart-band-${band.kind}`}>{t(`charts.band_${band.kind}`)}</span>}
      {writeMoment(time, stepS)}
    </span>
  );
}

/** The lines with their values in words: below the crosshair, or the newest. */
function Legend({ lines, columns, unit, index, hidden, toggle }: { board: Board; lines: readonly ChartLine[]; columns: Columns; unit: Unit; index: Index; hidden: ReadonlySet<string>; toggle: (label: string) => void }) {
  const at = index.value;
  const single = lines.length === 1;
  return (
    <div class={lines.length > 6 ? "chart-legend chart-legend-long" : "chart-legend"} {...(lines.length > 6 ? { tabIndex: 0, role: "region", "aria-label": t("charts.lines") } : {})}>
      <table>
        <thead>
          <tr>
            <th scope="col"><span class="unseen">{t("charts.line")}</span></th>
            <th scope="col" class="chart-now">{at === null ? t("charts.now") : t("charts.here")}</th>
            <th scope="col">{t("charts.min")}</th>
            <th scope="col">{t("charts.average")}</th>
            <th scope="col">{t("charts.max")}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line, place) => (
            <tr key={line.label} class={hidden.has(line.label) ? "chart-hidden" : undefined}>
              <th scope="row">
                {single ? (
                  <span class="chart-name"><Swatch line={place} />{line.label}</span>
                ) : (
                  <button type="button" class="chart-name" aria-pressed={!hidden.has(line.label)} onClick={() => toggle(line.label)}><Swatch line={place} /><span>{line.label}</span></button>
                )}
              </th>
              <td class="chart-now">{write(unit, at === null ? line.stats.now : near(columns.values[place], at))}</td>
              <td>{write(unit, line.stats.min)}</td>
              <td>{write(unit, line.stats.average)}</td>
              <td>{write(unit, line.stats.max)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Swatch({ line }: { line: number }) {
  return <span class="chart-swatch" aria-hidden="true" style={{ background: `var(${colourOf(line)})` }} />;
}

/** The value at a place, or the nearest of a line that has no point there. */
function near(values: readonly Value[] | undefined, at: number): number | null | undefined {
  for (let distance = 0; distance < 12; distance += 1) {
    for (const place of [at - distance, at + distance]) {
      const value = values?.[place];
      if (value !== undefined) return value;
    }
  }
  return undefined;
}
