// Light, dark, or as the system has it. static/theme.js sets the choice before the first paint; here it is changed.

import { signal, type ReadonlySignal } from "@preact/signals";

import { recall, remember } from "./stored.ts";

export type Theme = "system" | "light" | "dark";

const stored = recall("theme");
const chosen = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", () => {
  systemIsDark.value = system.matches;
});

/** What was chosen. */
export const theme: ReadonlySignal<Theme> = chosen;

/** Whether dark is shown now; canvases are drawn anew when it changes. */
export function isDark(): boolean {
  return chosen.value === "system" ? systemIsDark.value : chosen.value === "dark";
}

/** Chooses, here and for next time. */
export function chooseTheme(wanted: Theme): void {
  chosen.value = wanted;
  remember("theme", wanted === "system" ? null : wanted);
  if (wanted === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
}
