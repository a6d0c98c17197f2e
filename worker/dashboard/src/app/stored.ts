// What is remembered in this browser. Storage may be forbidden or full; then the page forgets, and works.

const PREFIX = "edgewatch.";

/** What was remembered under a name. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Remembers a text under a name; null forgets it. */
export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Nothing depends on it.
  }
}

/** A remembered JSON value, or what stands for it where there is none or it is broken. */
export function recallJson<T>(name: string, otherwise: T): T {
  const text = recall(name);
  if (text === null) return otherwise;
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}
