// Numbers in words for people. Pure: no page, no clock.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** A count of bytes with three digits at most: `1.4 GiB`. */
export function bytes(count) {
  if (!Number.isFinite(count)) return "";
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

/** Bytes per second. */
export const rate = (count) => (Number.isFinite(count) ? `${bytes(count)}/s` : "");

/** A length of time, by its two largest units: `3 d 4 h`. */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "";
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

/** How long ago something was. */
export function ago(seconds) {
  if (!Number.isFinite(seconds)) return "never";
  return seconds < 20 ? "now" : `${duration(seconds)} ago`;
}

/** A share of a whole, 0 to 100; NaN where either is not known or there is no whole. */
export function percent(used, total) {
  return Number.isFinite(used) && total > 0 ? Math.min(100, (100 * used) / total) : NaN;
}

/** Seconds until the next try: doubled each time up to 30, spread so that a thousand browsers do not come at once. */
export function backOff(failures, random = Math.random()) {
  return Math.min(30, 2 ** Math.min(failures, 5)) * (0.5 + random / 2);
}
