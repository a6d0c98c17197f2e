// Charts that belong together, below one heading; nothing where none of them has a point.

import type { ComponentChildren } from "preact";
import { useId, useMemo } from "preact/hooks";

import { t } from "../../app/i18n.ts";
import type { Board } from "../../charts/board.ts";
import { Chart } from "../../charts/Chart.tsx";
import type { Band } from "../../charts/gaps.ts";
import { type SeriesPart, type Show, hasData } from "../../charts/series.ts";
import { type ChartSpec, type Drawn, type Group, draw } from "./plan.ts";

interface SectionProps {
  group: Group;
  specs: readonly ChartSpec[];
  parts: ReadonlyMap<string, SeriesPart>;
  show: Show;
  board: Board;
  time: { fromS: number; toS: number };
  bands: readonly Band[];
  children?: ComponentChildren;
}

export function Section({ group, specs, parts, show, board, time, bands, children }: SectionProps) {
  const id = useId();
  const charts = specs.filter((spec) => isWorth(spec, parts));
  if (charts.length === 0) return null;
  return (
    <section class="host-section" aria-labelledby={id}>
      <h2 id={id}>{t(`host.group_${group}`)}</h2>
      {children}
      <div class={charts.length % 2 === 1 ? "host-charts host-charts-odd" : "host-charts"}>
        {charts.map((spec) => <Drawing key={spec.id} spec={spec} parts={parts} show={show} board={board} time={time} bands={bands} />)}
      </div>
    </section>
  );
}

/** Whether a chart has anything to say. A swap that is not there is always 0. */
function isWorth(spec: ChartSpec, parts: ReadonlyMap<string, SeriesPart>): boolean {
  const lines = spec.lines.flatMap((line) => parts.get(line.metric) ?? []).filter(hasData);
  if (spec.id === "swap" && !spec.most) return lines.some((part) => part.average.some((value) => value !== null && value > 0));
  return lines.length > 0;
}

function Drawing({ spec, parts, show, board, time, bands }: { spec: ChartSpec } & Omit<SectionProps, "group" | "specs" | "children">) {
  const drawn: Drawn | undefined = useMemo(() => draw(spec, parts, show), [spec, parts, show]);
  if (!drawn) return null;
  const title = spec.isName ? spec.title : t(spec.title);
  return (
    <Chart
      board={board}
      title={title}
      unit={spec.unit}
      lines={drawn.lines.map((line) => ({ label: line.isName ? line.label : t(line.label), stats: line.stats }))}
      columns={drawn.columns}
      stepS={drawn.stepS}
      fromS={time.fromS}
      toS={time.toS}
      bands={bands}
      most={spec.most}
      stacked={spec.stacked}
      note={spec.note && t(spec.note)}
    />
  );
}
