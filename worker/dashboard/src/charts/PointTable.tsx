// All points of a chart as a table: for who cannot see the drawing, and to copy from.

import { t } from "../app/i18n.ts";
import { type Band, bandAt } from "./gaps.ts";
import type { Columns } from "./series.ts";
import { writeMoment } from "./time.ts";
import { type Unit, write } from "./units.ts";

/** More rows than this nobody reads. */
const MOST_ROWS = 400;

export function PointTable({ caption, labels, columns, unit, stepS, bands }: { caption: string; labels: readonly string[]; columns: Columns; unit: Unit; stepS: number; bands: readonly Band[] }) {
  const every = Math.max(1, Math.ceil(columns.at.length / MOST_ROWS));
  const isGap = (place: number): boolean => columns.values.every((line) => typeof line[place] !== "number");
  // Newest first; of a gap nothing is left out, for there may be one point of it only.
  const places = columns.at.map((_, place) => place).filter((place) => (columns.at.length - 1 - place) % every === 0 || isGap(place)).reverse();
  return (
    <div class="chart-points" role="region" tabIndex={0} aria-label={t("charts.table_of", { name: caption })}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{t("charts.time")}</th>
            {labels.map((label) => <th scope="col" key={label}>{label}</th>)}
          </tr>
        </thead>
        <tbody>
          {places.map((place) => {
            const at = columns.at[place] ?? 0;
            const cells = columns.values.map((line) => line[place]);
            const band = cells.every((value) => typeof value !== "number") ? bandAt(bands, at) : undefined;
            return (
              <tr key={at}>
                <th scope="row">{writeMoment(at, stepS)}</th>
                {band ? <td colSpan={labels.length}>{t(`charts.band_${band.kind}`)}</td> : cells.map((value, line) => <td key={line}>{write(unit, value)}</td>)}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export const TableIcon = () => (
  <svg class="ui-icon" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" aria-hidden="true">
    <rect x="2" y="3" width="12" height="10" rx="1.2" />
    <path d="M2 6.500h12M2 9.800h12M6.500 6.500v6.500" />
  </svg>
);
