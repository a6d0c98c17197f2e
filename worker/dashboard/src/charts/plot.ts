// Draws one chart with uPlot: its options, its colours out of the page's theme, and the shaded bands behind its lines.
// uPlot writes texts and styles by the DOM's own properties alone (it has no innerHTML and no style attribute), so that the page's policy
// holds for it as it is.

import uPlot from "uplot";

import type { Band, BandKind } from "./gaps.ts";
import type { Columns } from "./series.ts";
import { timeMarks, writeMark as writeTime } from "./time.ts";
import { type Unit, marks, writeMark } from "./units.ts";

/** What a plot shows now. It is looked up at each drawing, so that one plot lives as long as its chart. */
export interface Shown {
  columns: Columns;
  /** What is drawn where it differs from the values: lines on top of each other. */
  drawn: Columns["values"];
  unit: Unit;
  fromS: number;
  toS: number;
  low: number;
  top: number;
  step: number;
  bands: readonly Band[];
  fills: boolean;
}

export interface PlotEvents {
  /** The crosshair moved: the place of the point under it. */
  moved(index: number | null): void;
  /** A time was marked by dragging. */
  marked(fromS: number, toS: number): void;
}

const FONT_PX = 11;
const Y_AXIS_PX = 62;
const X_AXIS_PX = 24;
/** Lines beyond the sixth begin with the first colour again, dashed. */
const COLOURS = 6;

/** The custom property with the colour of a line. */
export function colourOf(line: number): string {
  return `--series-${(line % COLOURS) + 1}`;
}

/** Makes a plot in an element. */
export function makePlot(element: HTMLElement, syncKey: string, lines: number, shown: () => Shown, events: PlotEvents): uPlot {
  const isStacked = lines > 1 && shown().fills;
  const colour = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim() || "#888";
  const soft = (name: string, share: number): string => `color-mix(in srgb, ${colour(name)} ${share}%, transparent)`;
  const font = (): string => `${FONT_PX}px ${getComputedStyle(element).fontFamily}`;
  const options: uPlot.Options = {
    width: Math.max(50, element.clientWidth),
    height: Math.max(50, element.clientHeight),
    padding: [8, 16, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      focus: { prox: -1 },
      points: { size: 6, width: 1.5, stroke: () => colour("--surface"), fill: (_, line) => colour(colourOf(line - 1)) },
      // Another chart's crosshair is followed, its drags are its own.
      sync: { key: syncKey, scales: ["x", null], setSeries: false, filters: { pub: (type) => type !== "mousedown" && type !== "mouseup", sub: () => true } },
    },
    scales: {
      x: { time: false, auto: false, range: () => [shown().fromS, shown().toS] },
      y: { auto: false, range: () => [shown().low, shown().top] },
    },
    axes: [
      {
        stroke: () => colour("--muted"),
        font: font(),
        size: X_AXIS_PX,
        gap: 5,
        grid: { stroke: () => soft("--border", 70), width: 1 },
        ticks: { show: false },
        splits: (plot, _axis, from, to) => timeMarks(from, to, Math.max(2, Math.floor(plot.width / 92))).at,
        values: (plot, splits) => {
          const { stepS } = timeMarks(shown().fromS, shown().toS, Math.max(2, Math.floor(plot.width / 92)));
          return splits.map((at) => writeTime(at, stepS));
        },
      },
      {
        stroke: () => colour("--muted"),
        font: font(),
        size: Y_AXIS_PX,
        gap: 6,
        grid: { stroke: () => soft("--border", 70), width: 1 },
        ticks: { show: false },
        splits: () => marks(shown().low, shown().top, shown().step),
        values: (_, splits) => splits.map((value) => writeMark(shown().unit, value)),
      },
    ],
    series: [
      {},
      ...Array.from({ length: lines }, (_, line): uPlot.Series => ({
        stroke: () => colour(colourOf(line)),
        width: 1.5,
        dash: line < COLOURS ? undefined : [4, 3],
        fill: () => (shown().fills && line === 0 ? soft(colourOf(line), lines === 1 ? 16 : 40) : "transparent"),
        spanGaps: false,
        points: { show: true, size: 3, width: 0, fill: () => colour(colourOf(line)), filter: (plot, index) => lonely(plot.data[index] as readonly (number | null | undefined)[]) },
      })),
    ],
    // Of lines on top of each other each fills the room down to the one below.
    bands: isStacked ? Array.from({ length: lines - 1 }, (_, line) => ({ series: [line + 2, line + 1] as [number, number], fill: () => soft(colourOf(line + 1), 40) })) : [],
    hooks: {
      drawClear: [(plot) => drawBands(plot, shown(), colour)],
      setCursor: [(plot) => events.moved((plot.cursor.left ?? -1) < 0 ? null : (plot.cursor.idx ?? null))],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          events.marked(from, to);
        },
      ],
    },
  };
  return new uPlot(options, dataOf(shown(), lines), element);
}

/** Puts the crosshair there, in px from the left, in this chart and all of its board; less than 0: away. */
export function pointAt(plot: uPlot, left: number): void {
  // The library tells the other charts only if a third argument says so, which its types do not name.
  const setCursor = plot.setCursor as (at: { left: number; top: number }, fires: boolean, tells: boolean) => void;
  setCursor({ left, top: left < 0 ? -10 : 10 }, true, true);
}

/** Shows what is to be shown now. */
export function renew(plot: uPlot, shown: Shown): void {
  plot.batch(() => {
    plot.setData(dataOf(shown, plot.series.length - 1), false);
    plot.setScale("x", { min: shown.fromS, max: shown.toS });
    plot.setScale("y", { min: shown.low, max: shown.top });
  });
}

function dataOf(shown: Shown, lines: number): uPlot.AlignedData {
  const { at } = shown.columns;
  const columns = Array.from({ length: lines }, (_, line) => shown.drawn[line] ?? new Array<null>(at.length).fill(null));
  return [at, ...columns] as uPlot.AlignedData;
}

/** Points without a neighbour, which no line would show. */
function lonely(values: readonly (number | null | undefined)[]): number[] {
  const found: number[] = [];
  values.forEach((value, index) => {
    const alone = (other: number | null | undefined, isEdge: boolean): boolean => other === null || isEdge;
    if (typeof value !== "number") return;
    if (alone(values[index - 1], index === 0) && alone(values[index + 1], index === values.length - 1)) found.push(index);
  });
  return found;
}

/** How the band of each kind looks: its colour, and a pattern that tells it from the others without colours. */
export const BANDS: Record<BandKind, { colour: string; pattern: "solid" | "rising" | "falling" | "dots" | "upright" }> = {
  down: { colour: "--bad", pattern: "solid" },
  cut: { colour: "--warn", pattern: "rising" },
  away: { colour: "--muted", pattern: "dots" },
  late: { colour: "--accent", pattern: "upright" },
  unknown: { colour: "--muted", pattern: "falling" },
};

function drawBands(plot: uPlot, shown: Shown, colour: (name: string) => string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const band of shown.bands) {
    const left = plot.valToPos(Math.max(band.fromS, shown.fromS), "x", true);
    const right = plot.valToPos(Math.min(band.toS, shown.toS), "x", true);
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    // The shortest gap is still seen.
    const width = Math.max(right - left, devicePixelRatio);
    const look = BANDS[band.kind];
    ctx.fillStyle = `color-mix(in srgb, ${colour(look.colour)} ${band.kind === "late" ? 7 : 12}%, transparent)`;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    const pattern = patternOf(ctx, look.pattern, colour(look.colour));
    if (pattern) {
      ctx.fillStyle = pattern;
      ctx.fillRect(left, bbox.top, width, bbox.height);
    }
  }
  ctx.restore();
}

const patterns = new Map<string, CanvasPattern | null>();

function patternOf(ctx: CanvasRenderingContext2D, kind: string, colour: string): CanvasPattern | null {
  if (kind === "solid") return null;
  const key = `${kind} ${colour} ${devicePixelRatio}`;
  const known = patterns.get(key);
  if (known !== undefined) return known;
  const tile = document.createElement("canvas");
  const size = 8 * Math.max(1, Math.round(devicePixelRatio));
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  let pattern: CanvasPattern | null = null;
  if (pen) {
    pen.globalAlpha = 0.3;
    pen.strokeStyle = colour;
    pen.fillStyle = colour;
    pen.lineWidth = size / 8;
    pen.beginPath();
    // Past the corners, so that tiles meet without a seam.
    if (kind === "rising") for (const shift of [-size, 0, size]) pen.moveTo(shift - 2, size + 2), pen.lineTo(shift + size + 2, -2);
    if (kind === "falling") for (const shift of [-size, 0, size]) pen.moveTo(shift - 2, -2), pen.lineTo(shift + size + 2, size + 2);
    if (kind === "upright") pen.moveTo(size / 2, 0), pen.lineTo(size / 2, size);
    pen.stroke();
    if (kind === "dots") pen.fillRect(size / 4, size / 4, size / 6, size / 6), pen.fillRect((3 * size) / 4, (3 * size) / 4, size / 6, size / 6);
    pattern = ctx.createPattern(tile, "repeat");
  }
  patterns.set(key, pattern);
  return pattern;
}
