// The palette: one field that goes to every host and page and does every action.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { hosts } from "../live/store.ts";
import type { HostNow } from "../live/types.ts";
import { PresenceDot } from "../ui/presence.tsx";
import { ArrowIcon, SearchIcon, ServersIcon } from "../ui/icons.tsx";
import { isPaletteOpen, labelOf } from "./actions.ts";
import { commands } from "./commands.ts";
import { Keys } from "./Help.tsx";
import { t } from "./i18n.ts";
import { LINKS } from "./links.tsx";
import { navigate } from "./router.ts";
import { best } from "./search.ts";
import { session } from "./session.ts";

interface Entry {
  key: string;
  label: string;
  words: string;
  kind: "host" | "page" | "action";
  host?: HostNow;
  keys?: string;
  run: () => void;
}

const MOST = 12;

export function Palette() {
  return isPaletteOpen.value ? <Open /> : null;
}

function Open() {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const close = (): void => {
    isPaletteOpen.value = false;
  };
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const who = session.value;
  const entries = useMemo(() => {
    const isMember = Boolean(who && !who.guest);
    const pages: Entry[] = LINKS.filter((link) => isMember && (!link.isAdmin || who?.isAdmin)).map((link) => ({ key: link.path, label: t(link.title), words: link.path, kind: "page", run: () => navigate(link.path) }));
    const actions: Entry[] = commands.value.map((command) => ({ key: command.label, label: labelOf(command.label), words: command.words ?? "", kind: "action", keys: command.keys, run: command.run }));
    const all: Entry[] = isMember
      ? [...hosts.value.values()].map((host) => ({ key: `host ${host.id}`, label: host.name, words: `${host.tag ?? ""} ${(host.tags ?? []).join(" ")} ${host.platform ?? ""}`, kind: "host", host, run: () => navigate(`/ui/hosts/${host.id}`) }))
      : [];
    // With nothing typed pages come first, then actions; a fleet of a thousand would hide them.
    return best(typed, typed.trim() === "" ? [...pages, ...actions] : [...all, ...pages, ...actions], (entry) => [entry.label, entry.words], MOST);
  }, [typed, hosts.value, commands.value, who]);
  const active = Math.min(at, entries.length - 1);
  const run = (entry: Entry | undefined): void => {
    if (!entry) return;
    close();
    entry.run();
  };
  const move = (step: number): void => {
    if (entries.length > 0) setAt((active + step + entries.length) % entries.length);
  };
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    <dialog
      ref={dialog}
      class="shell-palette"
      aria-label={t("common.palette")}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onMouseDown={(event) => event.target === dialog.current && close()}
    >
      <div class="shell-palette-field">
        <SearchIcon />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={active >= 0 ? `palette-${active}` : undefined}
          aria-label={t("common.palette")}
          placeholder={t("common.palette_hint")}
          autocomplete="off"
          spellcheck={false}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === "ArrowDown" || (event.ctrlKey && event.key === "n")) move(1);
            else if (event.key === "ArrowUp" || (event.ctrlKey && event.key === "p")) move(-1);
            else if (event.key === "Enter") run(entries[active]);
            else return;
            event.preventDefault();
          }}
        />
        <kbd>Esc</kbd>
      </div>
      <ul id="palette-list" ref={list} role="listbox" aria-label={t("common.palette")}>
        {entries.map((entry, index) => (
          <li key={entry.key} id={`palette-${index}`} role="option" aria-selected={index === active} onMouseMove={() => setAt(index)} onClick={() => run(entry)}>
            {entry.host ? <PresenceDot presence={entry.host.presence} /> : entry.kind === "page" ? <ServersIcon /> : <ArrowIcon />}
            <span class="shell-palette-label">{entry.label}</span>
            {entry.host?.tag && <span class="muted shell-palette-tag">{entry.host.tag}</span>}
            {entry.keys ? <Keys keys={entry.keys} /> : <span class="muted shell-palette-kind">{t(`common.palette_${entry.kind}`)}</span>}
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p class="shell-palette-none muted" role="status">{t("common.palette_none")}</p>}
    </dialog>
  );
}
