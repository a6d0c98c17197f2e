// Delays as lines, one per host. Small and of our own: a probe's page needs no zoom, and its lines are a table as well.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { locale } from "../../app/i18n.ts";
import { ticks, type Line } from "./probe.ts";
import { delayWords } from "./list.tsx";

const HEIGHT = 260;
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 12, 10, 24];

interface Props {
  lines: readonly Line[];
  fromS: number;
  toS: number;
  name: (host: number) => string;
  /** A class for a host's line: its colour. */
  tone: (host: number) => string;
  label: string;
  /** A limit to draw, ms. */
  limit?: number;
}

export function DelayChart({ lines, fromS, toS, name, tone, label, limit }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  const [at, setAt] = useState<number | null>(null);
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(240, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const top = useMemo(() => {
    const most = Math.max(0, ...lines.flatMap((line) => line.values.map((value) => value ?? 0)));
    return ticks(most, 4);
  }, [lines]);
  const highest = top[top.length - 1] ?? 1;
  const x = (s: number): number => LEFT + ((s - fromS) / (toS - fromS)) * (width - LEFT - RIGHT);
  const y = (ms: number): number => TOP + (1 - ms / highest) * (HEIGHT - TOP - BOTTOM);
  const times = timeTicks(fromS, toS, Math.max(2, Math.floor((width - LEFT) / 110)));
  const hovered = at === null ? [] : lines.map((line) => nearest(line, at)).filter((one) => one !== undefined);
  const hoveredAt = hovered[0]?.at;

  const move = (clientX: number): void => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return;
    const share = (clientX - box.left - LEFT) / (width - LEFT - RIGHT);
    setAt(share < 0 || share > 1 ? null : fromS + share * (toS - fromS));
  };
  const key = (event: KeyboardEvent): void => {
    const step = (toS - fromS) / 60;
    if (event.key === "ArrowLeft") setAt((before) => Math.max(fromS, (before ?? toS) - step));
    else if (event.key === "ArrowRight") setAt((before) => Math.min(toS, (before ?? fromS) + step));
    else if (event.key === "Escape") setAt(null);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={frame}
      class="probe-chart"
      role="group"
      aria-label={label}
      tabIndex={0}
      onPointerMove={(event) => move(event.clientX)}
      onPointerLeave={() => setAt(null)}
      onKeyDown={key}
      onBlur={() => setAt(null)}
    >
      <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} aria-hidden="true">
        {top.map((tick) => (
          <g key={tick}>
            <line class="probe-grid" x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text class="probe-axis" x={LEFT - 8} y={y(tick) + 4} text-anchor="end">{tick === 0 ? "0" : delayWords(tick)}</text>
          </g>
        ))}
        {times.map((tick) => (
          <text key={tick.at} class="probe-axis" x={Math.min(width - 24, Math.max(LEFT, x(tick.at)))} y={HEIGHT - 6} text-anchor="middle">{tick.text}</text>
        ))}
        {limit !== undefined && limit > 0 && limit <= highest && <line class="probe-limit" x1={LEFT} x2={width - RIGHT} y1={y(limit)} y2={y(limit)} />}
        {lines.map((line) => <path key={line.host} class={`probe-line ${tone(line.host)}`} d={pathOf(line, x, y)} />)}
        {hoveredAt !== undefined && <line class="probe-cross" x1={x(hoveredAt)} x2={x(hoveredAt)} y1={TOP} y2={HEIGHT - BOTTOM} />}
        {hovered.map((one) => <circle key={one.host} class={`probe-point ${tone(one.host)}`} cx={x(one.at)} cy={y(one.value)} r="3.5" />)}
      </svg>
      {hoveredAt !== undefined && (
        <div class="probe-tip" role="status" style={{ left: `${Math.min(Math.max(x(hoveredAt) + 12, 0), Math.max(0, width - 220))}px` }}>
          <p class="muted">{new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }).format(hoveredAt * 1000)}</p>
          {hovered.slice(0, 10).map((one) => (
            <p key={one.host} class="probe-tip-row"><span class={`probe-swatch ${tone(one.host)}`} /><span class="probe-tip-name">{name(one.host)}</span><span class="number">{delayWords(one.value)}</span></p>
          ))}
        </div>
      )}
    </div>
  );
}

/** A path with a gap where nothing is known. */
function pathOf(line: Line, x: (s: number) => number, y: (ms: number) => number): string {
  let path = "";
  let isDown = false;
  line.values.forEach((value, index) => {
    const at = line.at[index];
    if (value === null || at === undefined) {
      isDown = false;
      return;
    }
    const [px, py] = [x(at).toFixed(1), y(value).toFixed(1)];
    // A point that stands alone is a dot: a line of no length with round ends.
    const next = line.values[index + 1];
    path += `${isDown ? "L" : "M"}${px} ${py}`;
    if (!isDown && (next === null || next === undefined)) path += `l0 0`;
    isDown = true;
  });
  return path;
}

function nearest(line: Line, at: number): { host: number; at: number; value: number } | undefined {
  let best: { host: number; at: number; value: number } | undefined;
  line.at.forEach((time, index) => {
    const value = line.values[index];
    if (value === null || value === undefined) return;
    if (best === undefined || Math.abs(time - at) < Math.abs(best.at - at)) best = { host: line.host, at: time, value };
  });
  return best;
}

const STEPS_S = [900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000];

/** Round times of the viewer's day. */
function timeTicks(fromS: number, toS: number, most: number): { at: number; text: string }[] {
  const step = STEPS_S.find((one) => (toS - fromS) / one <= most) ?? 864_000;
  const offset = new Date(toS * 1000).getTimezoneOffset() * 60;
  const first = Math.ceil((fromS - offset) / step) * step + offset;
  const format = new Intl.DateTimeFormat(locale(), step >= 86_400 ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hour12: false });
  const found: { at: number; text: string }[] = [];
  for (let at = first; at <= toS; at += step) found.push({ at, text: format.format(at * 1000) });
  return found;
}
