// How well words fit what was typed. Pure.

/** 0: not at all; more is better. Each word typed must be found; a beginning counts more than a middle. */
export function fit(typed: string, text: string, more = ""): number {
  const wanted = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const [first, rest] = [text.toLowerCase(), more.toLowerCase()];
  let sum = 1;
  for (const word of wanted) {
    const at = first.indexOf(word);
    if (at === 0) sum += first.length === word.length ? 12 : 8;
    else if (at > 0) sum += /[\s._/-]/.test(first[at - 1] ?? "") ? 5 : 3;
    else if (rest.includes(word)) sum += 1;
    else return 0;
  }
  return sum;
}

/** The best of what fits, best first; equals stay in their order. */
export function best<T>(typed: string, all: readonly T[], words: (one: T) => readonly [string, string?], most: number): T[] {
  const scored: { one: T; score: number }[] = [];
  for (const one of all) {
    const [text, more] = words(one);
    const score = fit(typed, text, more);
    if (score > 0) scored.push({ one, score });
  }
  return scored.sort((one, other) => other.score - one.score).slice(0, most).map(({ one }) => one);
}
