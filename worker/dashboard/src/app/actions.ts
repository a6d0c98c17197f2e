// What the shell itself does by key and by palette, on every page.

import { signal } from "@preact/signals";

import { hosts } from "../live/store.ts";
import { compareTexts } from "../ui/layout.tsx";
import { addCommand } from "./commands.ts";
import { chooseLanguage, language, t } from "./i18n.ts";
import { bind } from "./keys.ts";
import { location, navigate } from "./router.ts";
import { logOut, session } from "./session.ts";
import { chooseTheme, isDark } from "./theme.ts";
import { toast } from "../ui/feedback.tsx";

/** Whether the palette and the help are open. */
export const isPaletteOpen = signal(false);
export const isHelpOpen = signal(false);

/** The hosts in the order in which the fleet was last shown, for going from one to the next. */
export const hostOrder = signal<readonly number[] | null>(null);

/** The host beside the one that is shown, in the fleet's order; around at its ends. */
export function hostBeside(id: number, step: 1 | -1): number | null {
  const all = hosts.peek();
  const order = (hostOrder.peek() ?? [...all.values()].sort((one, other) => other.display_index - one.display_index || compareTexts(one.name, other.name)).map((host) => host.id)).filter((one) => all.has(one));
  const at = order.indexOf(id);
  if (at === -1) return order[0] ?? null;
  return order[(at + step + order.length) % order.length] ?? null;
}

/** Logs out and goes to the start. */
export async function leave(): Promise<void> {
  try {
    await logOut();
    navigate("/", { replace: true });
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), "bad");
  }
}

/** Binds the keys and adds the commands; the result takes them back. */
export function startActions(): () => void {
  const beside = (step: 1 | -1) => (): void => {
    const id = /^\/ui\/hosts\/(\d+)/.exec(location.peek().path)?.[1];
    if (id === undefined) return;
    const next = hostBeside(Number(id), step);
    if (next !== null) navigate(`/ui/hosts/${next}`);
  };
  const isMember = (): boolean => Boolean(session.peek() && !session.peek()?.guest);
  const palette = (): void => {
    if (session.peek()) isPaletteOpen.value = !isPaletteOpen.peek();
  };
  const ends = [
    bind("mod+k", "common.key_palette", palette),
    bind("?", "common.key_help", () => {
      isHelpOpen.value = true;
    }),
    bind("g f", "common.key_fleet", () => navigate("/")),
    bind("g a", "common.key_alerts", () => {
      if (isMember()) navigate("/ui/alerts");
    }),
    bind("]", "common.key_next_host", beside(1)),
    bind("[", "common.key_previous_host", beside(-1)),
    bind("t", "common.key_theme", () => chooseTheme(isDark() ? "light" : "dark")),
    addCommand({ label: "common.key_theme", words: "dark light theme 深色 浅色 主题", keys: "t", run: () => chooseTheme(isDark() ? "light" : "dark") }),
    addCommand({ label: "common.language", words: "english chinese 中文 language", run: () => chooseLanguage(language.peek() === "en" ? "zh" : "en") }),
    addCommand({ label: "common.help", words: "keys shortcuts help 快捷键", keys: "?", run: () => {
      isHelpOpen.value = true;
    } }),
    addCommand({ label: "common.docs", words: "docs help guide api openapi 文档 帮助", run: () => window.location.assign("/docs") }),
    addCommand({ label: "common.log_out", words: "log out leave 退出", run: () => void leave() }),
  ];
  return () => ends.forEach((end) => end());
}

/** A label of a binding or command: a message's key, or words as they are. */
export function labelOf(label: string): string {
  return /^[a-z][\w-]*\.[\w.]+$/.test(label) ? t(label) : label;
}
