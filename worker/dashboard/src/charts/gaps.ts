// Why there is nothing in a part of a chart: told apart by what else is known of that time. Pure; a test says each case.
//
// A gap is a time without samples. In order of what is certain:
//
// - `away`: we were not there. The history did not answer in full (`complete` is false), or "monitoring impaired" was told of a time
//   that covers most of the gap: nobody judged, the hub heard nothing, or many hosts fell silent at once.
// - `down`: the host was off. Behind the gap it says that it was started within it, or it is a guest that did not run.
// - `cut`: the host ran all the time (its uptime went on through the gap) and its agent did not reach us, or was not there: what it could
//   not keep is lost.
// - `down` also where only silence is known: it was called offline, and nothing says that it ran.
// - `unknown`: some samples are missing and nothing is known of it, as when a program that posts every minute left some out.
//
// `late` is no gap: the host was called offline, and samples of that time came afterwards, out of its agent's spool.

/** What is known of a part of time. */
export type BandKind = "down" | "cut" | "away" | "late" | "unknown";

export interface Band {
  kind: BandKind;
  fromS: number;
  toS: number;
}

/** An event as the API tells it. Source: worker/core/src/dialects/native/event.rs. */
export interface EventPart {
  key: string;
  kind: string;
  host_id: number | null;
  at_s: number;
  text: string;
  alert?: string;
  rule_id?: number;
  group?: string;
  quiet?: boolean;
}

/** What was measured, as far as gaps are concerned. */
export interface Measured {
  at_s: readonly number[];
  step_s: number;
  samples: readonly number[];
  /** Seconds since the host was started, per point; null where it is not known. */
  uptime?: readonly (number | null)[];
}

export interface GapQuestion {
  fromS: number;
  toS: number;
  /** The server's clock. */
  nowS: number;
  complete: boolean;
  measured: Measured;
  /** Events of this host and those of no host, in any order. */
  events: readonly EventPart[];
  /** When the host was last heard from, and whether it is thought to be up. */
  presence?: "never" | "online" | "offline";
  lastSeenS?: number;
}

interface Span {
  fromS: number;
  toS: number;
}

/** Shorter holes are the rhythm of reports, not a gap. */
const LEAST_GAP_S = 25;
/** The newest samples may still be on their way for so long: agents send a frame a minute, and more rarely when told to. */
const ON_ITS_WAY_S = 180;
/** Clocks and uptimes are this far off at most. */
const SLACK_S = 45;
/** Judgement is suspended for so long after we were away. */
const SUSPENDED_S = 180;

/** The bands of a chart's time, ascending. */
export function bands(question: GapQuestion): Band[] {
  const offline = offlineTimes(question);
  const impaired = impairedTimes(question.events, question.nowS);
  const found = gaps(question, offline, impaired).map((gap) => ({ ...gap, kind: kindOf(gap, question, offline, impaired) }));
  return [...found, ...lateTimes(question, offline, found)].sort((one, other) => one.fromS - other.fromS);
}

/** How long each kind lasted within a time, and how often. */
export function tally(all: readonly Band[], fromS: number, toS: number): Map<BandKind, { count: number; seconds: number }> {
  const sums = new Map<BandKind, { count: number; seconds: number }>();
  for (const band of all) {
    const seconds = Math.min(band.toS, toS) - Math.max(band.fromS, fromS);
    if (seconds <= 0) continue;
    const sum = sums.get(band.kind) ?? { count: 0, seconds: 0 };
    sums.set(band.kind, { count: sum.count + 1, seconds: sum.seconds + seconds });
  }
  return sums;
}

/** The band that a time lies in. */
export function bandAt(all: readonly Band[], atS: number): Band | undefined {
  return all.find((band) => atS >= band.fromS && atS < band.toS);
}

/** Times without samples, those before the first and behind the last point only where something is known of them. */
function gaps(question: GapQuestion, offline: readonly Span[], impaired: readonly Span[]): Span[] {
  const { measured, fromS, toS } = question;
  const step = measured.step_s;
  const points = measured.at_s.map((at, index) => ({ at, samples: measured.samples[index] ?? 0 }));
  const full = points.filter((point) => point.samples > 0);
  const found: Span[] = [];
  for (let index = 1; index < full.length; index += 1) {
    const [before, after] = [full[index - 1], full[index]];
    if (!before || !after) continue;
    // Neighbours are a step apart; with a hole between them the API has one point without samples.
    const gap = { fromS: before.at + step, toS: after.at };
    const isMarked = points.some((point) => point.samples === 0 && point.at > before.at && point.at < after.at);
    if (isMarked && gap.toS - gap.fromS >= LEAST_GAP_S) found.push(gap);
  }
  const [first, last] = [full[0], full.at(-1)];
  const known = [...offline, ...impaired];
  const edges: Span[] = first && last ? [{ fromS, toS: first.at }, { fromS: last.at + step, toS: Math.min(toS, question.nowS) }] : [{ fromS, toS: Math.min(toS, question.nowS) }];
  for (const [index, edge] of edges.entries()) {
    const isNewest = index === edges.length - 1 && toS > question.nowS - ON_ITS_WAY_S;
    // What is on its way is no gap of a host that is up.
    const least = isNewest && question.presence === "online" ? Math.max(ON_ITS_WAY_S, 2 * step) : LEAST_GAP_S;
    for (const span of known) {
      const part = overlap(edge, span);
      if (part && part.toS - part.fromS >= least) found.push(part);
    }
  }
  return merged(found);
}

function kindOf(gap: Span, question: GapQuestion, offline: readonly Span[], impaired: readonly Span[]): BandKind {
  if (!question.complete) return "away";
  const covered = (spans: readonly Span[]): number => spans.reduce((sum, span) => sum + length(overlap(gap, span)), 0) / Math.max(1, length(gap));
  if (covered(impaired) > 0.5) return "away";
  const started = startedBehind(gap, question.measured);
  if (started !== undefined) {
    // A coarse point's uptime is a mean, and as coarse as the point.
    const slack = SLACK_S + question.measured.step_s / 2;
    return started > gap.fromS - slack && started <= gap.toS + slack ? "down" : "cut";
  }
  return covered(offline) > 0 ? "down" : "unknown";
}

/** When the host was started, as the first point behind a gap says it. */
function startedBehind(gap: Span, measured: Measured): number | undefined {
  const index = measured.at_s.findIndex((at, place) => at >= gap.toS && (measured.samples[place] ?? 0) > 0);
  const uptime = index === -1 ? null : measured.uptime?.[index];
  // A point's value is the mean of its time, which its middle stands for.
  return uptime === null || uptime === undefined ? undefined : (measured.at_s[index] ?? 0) + (measured.step_s > 10 ? measured.step_s / 2 : 0) - uptime;
}

/** From when to when the host was thought to be offline. Silence began before it was called so. */
function offlineTimes(question: GapQuestion): Span[] {
  const own = question.events.filter((event) => event.kind === "host_offline" || event.kind === "host_online");
  const ordered = own.toSorted((one, other) => one.at_s - other.at_s);
  const found: Span[] = [];
  let since: number | undefined;
  for (const event of ordered) {
    if (event.kind === "host_offline") {
      since ??= event.at_s - secondsIn(event.text, /no sign of life for (\d+) s/);
    } else if (since !== undefined) {
      found.push({ fromS: since, toS: event.at_s });
      since = undefined;
    } else if (found.length === 0) {
      // It was offline before all that we were told of.
      found.push({ fromS: Number.NEGATIVE_INFINITY, toS: event.at_s });
    }
  }
  if (question.presence === "offline") found.push({ fromS: since ?? question.lastSeenS ?? question.nowS, toS: question.nowS });
  else if (since !== undefined && question.presence === undefined) found.push({ fromS: since, toS: question.nowS });
  return found;
}

/** From when to when we were not there to judge. */
function impairedTimes(events: readonly EventPart[], nowS: number): Span[] {
  return events
    .filter((event) => event.kind === "monitoring_impaired")
    .map((event) => {
      const gone = secondsIn(event.text, /for (\d+) s/);
      return { fromS: event.at_s - gone - SLACK_S, toS: Math.min(nowS, event.at_s + (gone > 0 ? SLACK_S : SUSPENDED_S)) };
    });
}

/** Where the host was called offline and has samples all the same: they came later. */
function lateTimes(question: GapQuestion, offline: readonly Span[], found: readonly Span[]): Band[] {
  const { measured } = question;
  const late: Band[] = [];
  for (const span of offline) {
    const times = measured.at_s.filter((at, index) => at >= span.fromS && at + measured.step_s <= span.toS && (measured.samples[index] ?? 0) > 0);
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined || last === undefined) continue;
    let rest: Span[] = [{ fromS: Math.max(first, question.fromS), toS: Math.min(last + measured.step_s, question.toS) }];
    for (const gap of found) rest = rest.flatMap((part) => without(part, gap));
    // A single sample is the last one before it fell silent.
    late.push(...rest.filter((part) => length(part) >= Math.max(LEAST_GAP_S, 2 * measured.step_s)).map((part) => ({ ...part, kind: "late" as const })));
  }
  return late;
}

function secondsIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

function overlap(one: Span, other: Span): Span | undefined {
  const [fromS, toS] = [Math.max(one.fromS, other.fromS), Math.min(one.toS, other.toS)];
  return toS > fromS ? { fromS, toS } : undefined;
}

function length(span: Span | undefined): number {
  return span ? span.toS - span.fromS : 0;
}

function without(part: Span, gap: Span): Span[] {
  const both = overlap(part, gap);
  if (!both) return [part];
  return [{ fromS: part.fromS, toS: both.fromS }, { fromS: both.toS, toS: part.toS }].filter((rest) => rest.toS > rest.fromS);
}

/** Without overlaps, ascending. */
function merged(spans: readonly Span[]): Span[] {
  const ordered = spans.toSorted((one, other) => one.fromS - other.fromS);
  const all: Span[] = [];
  for (const span of ordered) {
    const last = all.at(-1);
    if (last && span.fromS <= last.toS) last.toS = Math.max(last.toS, span.toS);
    else all.push({ ...span });
  }
  return all;
}
