// What several settings pages draw alike.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";

import { hosts } from "../../live/store.ts";
import { Button, Copy, compareTexts } from "../../ui/index.ts";
import { s } from "./words.ts";

const MAX_FOUND = 8;

/** The sentence above a section, with what can be done beside it. */
export function Intro({ children, actions }: { children: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <div class="settings-intro">
      <p class="muted">{children}</p>
      {actions && <div class="ui-actions">{actions}</div>}
    </div>
  );
}

/** Something that is shown this once, until somebody says that they have it. */
export function ShownOnce({ title, about, text, done }: { title: string; about: string; text: string; done: () => void }) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    // After the dialog gave the focus back to where it was.
    const timer = setTimeout(() => section.current?.focus());
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <section ref={section} class="settings-once" aria-label={title} tabIndex={-1}>
      <h2>{title}</h2>
      <p>{about}</p>
      <Copy text={text} label={title} />
      <div class="ui-actions"><Button kind="primary" onClick={done}>{s("token_kept")}</Button></div>
    </section>
  );
}

export interface Choice {
  value: string;
  label: string;
  about: string;
}

/** One of a few, each with a sentence about it. */
export function Choices({ name, choices, value, onChange, legend }: { name: string; choices: readonly Choice[]; value: string; onChange: (value: string) => void; legend: string }) {
  const id = useId();
  return (
    <fieldset class="settings-choices">
      <legend class="ui-label">{legend}</legend>
      {choices.map((choice) => (
        <div key={choice.value} class="settings-choice">
          <input
            type="radio"
            id={`${id}-${choice.value}`}
            name={name}
            value={choice.value}
            checked={choice.value === value}
            aria-describedby={`${id}-${choice.value}-about`}
            onChange={() => onChange(choice.value)}
          />
          <label htmlFor={`${id}-${choice.value}`}>{choice.label}</label>
          <p class="ui-hint" id={`${id}-${choice.value}-about`}>{choice.about}</p>
        </div>
      ))}
    </fieldset>
  );
}

/** Some of the fleet's hosts: those that are chosen, and a field to find others by name. */
export function HostPicker({ chosen, onChange, label }: { chosen: readonly number[]; onChange: (ids: number[]) => void; label: string }) {
  const [sought, setSought] = useState("");
  const fleet = hosts.value;
  const found = useMemo(() => {
    const wanted = sought.trim().toLowerCase();
    if (wanted === "") return [];
    const fits = [...fleet.values()].filter((host) => !chosen.includes(host.id) && host.name.toLowerCase().includes(wanted));
    return fits.sort((one, other) => compareTexts(one.name, other.name)).slice(0, MAX_FOUND);
  }, [sought, fleet, chosen]);
  const nameOf = (id: number): string => fleet.get(id)?.name ?? `#${id}`;
  return (
    <div class="settings-picker">
      {chosen.length > 0 && (
        <ul class="settings-chips" aria-label={s("ip_change_chosen", { count: chosen.length })}>
          {chosen.map((id) => (
            <li key={id}>
              <button type="button" class="settings-chip" onClick={() => onChange(chosen.filter((other) => other !== id))} aria-label={`${s("remove")}: ${nameOf(id)}`}>
                {nameOf(id)} <span aria-hidden="true">×</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        class="ui-input"
        type="search"
        value={sought}
        placeholder={s("ip_change_find")}
        aria-label={`${label}: ${s("ip_change_find")}`}
        onInput={(event) => setSought(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter chooses the first one, and does not send the form.
          if (event.key !== "Enter") return;
          event.preventDefault();
          const first = found[0];
          if (first) {
            onChange([...chosen, first.id]);
            setSought("");
          }
        }}
      />
      {sought.trim() !== "" && (
        <ul class="settings-found">
          {found.map((host) => (
            <li key={host.id}>
              <button
                type="button"
                onClick={() => {
                  onChange([...chosen, host.id]);
                  setSought("");
                }}
              >
                {host.name}
                {host.tag && <span class="muted">{host.tag}</span>}
              </button>
            </li>
          ))}
          {found.length === 0 && <li class="muted">{s("ip_change_none_found")}</li>}
        </ul>
      )}
    </div>
  );
}
