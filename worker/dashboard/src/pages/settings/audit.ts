// Who changed what, in words: the keys of messages for what the audit list has. Pure.

/** An actor as it is kept: `user:1`, `token:2`, `agent:…`, `setup`. */
export function actorOf(actor: string): { kind: string; id: number | null } {
  const [kind = "", id] = actor.split(":", 2);
  const number = id !== undefined && /^\d+$/.test(id) ? Number(id) : null;
  return { kind, id: number };
}

/** The parts of an action: `user.create` is `user` and `create`. */
export function actionOf(action: string): { thing: string; verb: string } {
  const at = action.indexOf(".");
  return at < 0 ? { thing: action, verb: "" } : { thing: action.slice(0, at), verb: action.slice(at + 1) };
}

/** How an action is marked: what takes something away stands out. */
export function weightOf(action: string): "made" | "gone" | "changed" {
  const { verb } = actionOf(action);
  if (/^(create|add|register|accept|invite|apply|import|put)/.test(verb)) return "made";
  if (/^(delete|remove|revoke|retire|close|clear)/.test(verb)) return "gone";
  return "changed";
}

/** Entries by day, the newest first as they came; `dayOf` says the day of a time in the viewer's zone. */
export function byDay<Entry extends { at_s: number }>(
  entries: readonly Entry[],
  dayOf: (atS: number) => string,
): { day: string; entries: Entry[] }[] {
  const days: { day: string; entries: Entry[] }[] = [];
  for (const entry of entries) {
    const day = dayOf(entry.at_s);
    const last = days[days.length - 1];
    if (last && last.day === day) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return days;
}
