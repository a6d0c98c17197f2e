// The keys that do something on the page that is open.

import { Dialog } from "../ui/Dialog.tsx";
import { isHelpOpen, labelOf } from "./actions.ts";
import { t } from "./i18n.ts";
import { bindings } from "./keys.ts";

export function HelpDialog() {
  if (!isHelpOpen.value) return null;
  // Keys that do the same stand in one row.
  const rows = new Map<string, string[]>();
  for (const { keys, label } of bindings.value) {
    if (label === "") continue;
    const known = rows.get(label) ?? [];
    if (!known.includes(keys)) rows.set(label, [...known, keys]);
  }
  return (
    <Dialog title={t("common.help")} onClose={() => (isHelpOpen.value = false)}>
      <dl class="shell-keys">
        {[...rows].map(([label, keys]) => (
          <div key={label}>
            <dt>{labelOf(label)}</dt>
            <dd>{keys.map((one) => <Keys key={one} keys={one} />)}</dd>
          </div>
        ))}
      </dl>
      <p class="shell-docs"><a href="/docs">{t("common.docs")}</a></p>
    </Dialog>
  );
}

const NAMES: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→" };

/** Keys as they stand on a keyboard. */
export function Keys({ keys }: { keys: string }) {
  const isMac = navigator.platform.startsWith("Mac");
  const name = (key: string): string => (key.startsWith("mod+") ? `${isMac ? "⌘" : "Ctrl "}${key.slice(4).toUpperCase()}` : (NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key)));
  return <span class="shell-key">{keys.split(" ").map((key, at) => <kbd key={at}>{name(key)}</kbd>)}</span>;
}
