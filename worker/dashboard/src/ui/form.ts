// A form's state: values, what is wrong with which, and one submission at a time.

import { useCallback, useState } from "preact/hooks";

import { type ApiError, asApiError } from "../app/api.ts";

export interface Form<T> {
  values: T;
  /** Changes some values; what was wrong with them is forgotten. */
  set(changes: Partial<T>): void;
  /** All values anew, as after they were loaded. */
  reset(values: T): void;
  /** The sentence for a field, as the server names it. */
  errors: Partial<Record<string, string>>;
  /** What was wrong with no field in particular. */
  error: ApiError | null;
  busy: boolean;
  isChanged: boolean;
  /** For the form element's `onSubmit`. */
  onSubmit(event?: { preventDefault(): void }): void;
}

/** `submit` sends the values; an ApiError with a field stands at that field, any other above the buttons. */
export function useForm<T extends object>(initial: T, submit: (values: T) => Promise<void>): Form<T> {
  const [values, setValues] = useState(initial);
  const [errors, setErrors] = useState<Partial<Record<string, string>>>({});
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [isChanged, setChanged] = useState(false);

  const set = useCallback((changes: Partial<T>) => {
    setValues((before) => ({ ...before, ...changes }));
    setErrors((before) => Object.fromEntries(Object.entries(before).filter(([name]) => !(name in changes))));
    setError(null);
    setChanged(true);
  }, []);
  const reset = useCallback((next: T) => {
    setValues(next);
    setErrors({});
    setError(null);
    setChanged(false);
  }, []);

  const run = async (): Promise<void> => {
    setBusy(true);
    setErrors({});
    setError(null);
    try {
      await submit(values);
      setChanged(false);
    } catch (thrown) {
      const refusal = asApiError(thrown);
      const { field } = refusal;
      // The server's sentence begins with the field's own name.
      if (field !== undefined && field in values) setErrors({ [field]: sentence(refusal.message, field) });
      else setError(refusal);
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event?: { preventDefault(): void }): void => {
    event?.preventDefault();
    if (!busy) void run();
  };
  return { values, set, reset, errors, error, busy, isChanged, onSubmit };
}

/** What stands at a field needs not to say which field it is. */
export function sentence(message: string, field: string): string {
  const text = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
