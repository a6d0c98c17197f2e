// Fields of forms: a label, a control, a hint, and what is wrong with it.

import { type AllHTMLAttributes, createContext, type ComponentChildren } from "preact";
import { useContext, useId } from "preact/hooks";

interface FieldIds {
  id: string;
  described?: string;
  invalid: boolean;
}
const Ids = createContext<FieldIds | null>(null);

export interface FieldProps {
  label: ComponentChildren;
  hint?: ComponentChildren;
  error?: string | null;
  /** For several controls under one label. */
  group?: boolean;
  children: ComponentChildren;
}

/** A labelled control. The control inside finds its label, hint and error by itself. */
export function Field({ label, hint, error, group, children }: FieldProps) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined;
  const Root = group ? "fieldset" : "div";
  return (
    <Root class="ui-field" aria-describedby={group ? described : undefined}>
      {group ? <legend class="ui-label">{label}</legend> : <label class="ui-label" htmlFor={id}>{label}</label>}
      <Ids.Provider value={group ? null : { id, described, invalid: Boolean(error) }}>{children}</Ids.Provider>
      {hint && <p class="ui-hint" id={`${id}-hint`}>{hint}</p>}
      {error && <p class="ui-field-error" id={`${id}-error`} role="alert">{error}</p>}
    </Root>
  );
}

function useControl(): { id?: string; "aria-describedby"?: string; "aria-invalid"?: true } {
  const ids = useContext(Ids);
  return ids ? { id: ids.id, "aria-describedby": ids.described, "aria-invalid": ids.invalid || undefined } : {};
}

type InputRest = Omit<AllHTMLAttributes<HTMLInputElement>, "value" | "onInput" | "onChange" | "type" | "role">;

export interface TextInputProps extends InputRest {
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "email" | "url" | "search" | "time" | "date" | "datetime-local";
}

export function TextInput({ onInput, type = "text", class: more, ...rest }: TextInputProps) {
  return <input {...useControl()} {...(rest as object)} type={type as "text"} class={`ui-input ${more ?? ""}`} onInput={(event) => onInput(event.currentTarget.value)} />;
}

export interface NumberInputProps extends InputRest {
  value: number | undefined;
  onInput: (value: number | undefined) => void;
  /** Shown behind the number. */
  unit?: string;
}

/** A number; an empty field is undefined. */
export function NumberInput({ value, onInput, unit, class: more, ...rest }: NumberInputProps) {
  const input = (
    <input
      step="any"
      {...useControl()}
      {...(rest as object)}
      type="number"
      class={`ui-input ui-input-number ${more ?? ""}`}
      value={value ?? ""}
      onInput={(event) => onInput(event.currentTarget.value === "" ? undefined : event.currentTarget.valueAsNumber)}
    />
  );
  return unit === undefined ? input : <span class="ui-with-unit">{input}<span class="muted">{unit}</span></span>;
}

export interface SelectProps extends Omit<AllHTMLAttributes<HTMLSelectElement>, "value" | "onChange" | "role"> {
  value: string;
  onChange: (value: string) => void;
  options: readonly { value: string; label: string; disabled?: boolean }[];
}

export function Select({ value, onChange, options, class: more, ...rest }: SelectProps) {
  return (
    <select {...useControl()} {...(rest as object)} class={`ui-input ui-select ${more ?? ""}`} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {options.map((option) => (
        <option key={option.value} value={option.value} disabled={option.disabled} selected={option.value === value}>{option.label}</option>
      ))}
    </select>
  );
}

export interface TextAreaProps extends Omit<AllHTMLAttributes<HTMLTextAreaElement>, "value" | "onInput" | "role"> {
  value: string;
  onInput: (value: string) => void;
}

export function TextArea({ onInput, class: more, rows = 4, ...rest }: TextAreaProps) {
  return <textarea {...useControl()} {...(rest as object)} rows={rows} class={`ui-input ui-textarea ${more ?? ""}`} onInput={(event) => onInput(event.currentTarget.value)} />;
}

export interface CheckProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: ComponentChildren;
  hint?: ComponentChildren;
  disabled?: boolean;
  name?: string;
}

/** A box with its label beside it; it needs no Field around it. */
export function Checkbox({ checked, onChange, label, hint, ...rest }: CheckProps) {
  const id = useId();
  return (
    <div class="ui-check">
      <input {...(rest as object)} id={id} type="checkbox" checked={checked} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(event) => onChange(event.currentTarget.checked)} />
      <label htmlFor={id}>{label}</label>
      {hint && <p class="ui-hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

/** The same for what counts at once, without a form. */
export function Switch({ checked, onChange, label, hint, ...rest }: CheckProps) {
  const id = useId();
  return (
    <div class="ui-check ui-switch">
      <input {...(rest as object)} id={id} type="checkbox" role="switch" checked={checked} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(event) => onChange(event.currentTarget.checked)} />
      <label htmlFor={id}>{label}</label>
      {hint && <p class="ui-hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}
