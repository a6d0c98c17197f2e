// The pages that navigation and palette lead to.

import type { ComponentType } from "preact";

import { BellIcon, GearIcon, PlusIcon, PulseIcon, RuleIcon, ServersIcon, StackIcon } from "../ui/icons.tsx";

export interface Link {
  path: string;
  title: string;
  icon: ComponentType;
  isAdmin?: boolean;
  /** In the phone's bar; the others stand in its menu. */
  isFirst?: boolean;
  /** In the palette alone: elsewhere a button leads there. */
  isHidden?: boolean;
}

export const LINKS: readonly Link[] = [
  { path: "/", title: "common.fleet", icon: ServersIcon, isFirst: true },
  { path: "/ui/alerts", title: "common.alerts", icon: BellIcon, isFirst: true },
  { path: "/ui/rules", title: "common.rules", icon: RuleIcon },
  { path: "/ui/probes", title: "common.probes", icon: PulseIcon, isFirst: true },
  { path: "/ui/proxmox", title: "common.proxmox", icon: StackIcon },
  { path: "/ui/settings", title: "common.settings", icon: GearIcon },
  { path: "/ui/add", title: "common.add_host", icon: PlusIcon, isAdmin: true, isHidden: true },
];

/** Whether a link leads to the part of the dashboard that is open. */
export function isOpen(link: string, path: string): boolean {
  if (link === "/") return path === "/" || path.startsWith("/ui/hosts/");
  return path === link || path.startsWith(`${link}/`);
}
