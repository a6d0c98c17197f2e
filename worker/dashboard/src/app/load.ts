// Loading what a page shows: once, again on demand, and every so often while somebody looks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, asApiError } from "./api.ts";

export interface Loaded<T> {
  /** The newest answer; it stays while another is on its way, and when that fails. */
  data?: T;
  /** Why the last try failed. */
  error?: ApiError;
  loading: boolean;
  /** Asks again now. */
  again(): void;
}

/** Loads whenever `key` changes; with `everyS`, again so many seconds after each answer, but not while the tab is hidden. */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>, options: { everyS?: number } = {}): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: ApiError; loading: boolean }>({ key, loading: true });
  const [round, setRound] = useState(0);
  const newest = useRef(load);
  newest.current = load;
  const { everyS } = options;

  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let waiting = false;
    const run = async (): Promise<void> => {
      if (document.hidden && waiting) return;
      waiting = false;
      setState((before) => ({ ...before, key, loading: true }));
      try {
        const data = await newest.current(control.signal);
        if (control.signal.aborted) return;
        setState({ key, data, loading: false });
      } catch (error) {
        if (control.signal.aborted) return;
        setState((before) => ({ ...before, key, error: asApiError(error), loading: false }));
      }
      if (everyS === undefined) return;
      waiting = true;
      timer = setTimeout(() => void run(), everyS * 1000);
    };
    const shown = (): void => {
      // What was due while nobody looked is done now.
      if (document.hidden || !waiting || everyS === undefined) return;
      clearTimeout(timer);
      void run();
    };
    document.addEventListener("visibilitychange", shown);
    void run();
    return () => {
      control.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [key, everyS, round]);

  const again = useCallback(() => setRound((before) => before + 1), []);
  // What was loaded for another key is not this one's.
  if (state.key !== key) return { loading: true, again };
  return { data: state.data, error: state.error, loading: state.loading, again };
}
