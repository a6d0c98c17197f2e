// A list that is longer than a page: read on by the server's cursor, whole again when what is wanted changes.

import { useEffect, useRef, useState } from "preact/hooks";

import { type ApiError, asApiError } from "../../app/api.ts";
import type { Page } from "./alert.ts";

export interface Paged<T> {
  rows: T[];
  isMore: boolean;
  busy: boolean;
  error?: ApiError;
  more(): void;
  again(): void;
}

export function usePaged<T>(key: string, read: (cursor: string | null) => Promise<Page<T>>): Paged<T> {
  const [state, setState] = useState<{ key: string; rows: T[]; cursor: string | null; busy: boolean; error?: ApiError }>({ key, rows: [], cursor: null, busy: true });
  const newest = useRef(key);
  const run = async (cursor: string | null): Promise<void> => {
    newest.current = key;
    setState((before) => ({ key, rows: cursor === null ? [] : before.rows, cursor, busy: true }));
    try {
      const page = await read(cursor);
      // Somebody wants something else by now.
      if (newest.current !== key) return;
      setState((before) => ({ key, rows: cursor === null ? page.rows : [...before.rows, ...page.rows], cursor: page.cursor, busy: false }));
    } catch (error) {
      if (newest.current === key) setState((before) => ({ ...before, busy: false, error: asApiError(error) }));
    }
  };
  useEffect(() => {
    // Typing changes the key with every letter.
    const timer = setTimeout(() => void run(null), state.rows.length > 0 || state.key !== key ? 250 : 0);
    return () => clearTimeout(timer);
  }, [key]);
  useEffect(() => () => {
    newest.current = "";
  }, []);
  return {
    rows: state.rows,
    isMore: state.cursor !== null && !state.busy,
    busy: state.busy,
    error: state.error,
    more: () => void run(state.cursor),
    again: () => void run(null),
  };
}
