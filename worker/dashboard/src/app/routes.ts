// Which page stands at which address. Pages besides the fleet and the ones without a session are loaded when they are opened.

import type { ComponentType } from "preact";

export type Needs = "anyone" | "viewer" | "admin";

export interface PageProps {
  params: Record<string, string>;
}

export interface Route {
  /** Segments; one that begins with a colon is a parameter. */
  path: string;
  /** The folder below pages/. */
  page: string;
  needs: Needs;
  /** The message that names it in titles and navigation. */
  title: string;
}

export const ROUTES: readonly Route[] = [
  { path: "/", page: "fleet", needs: "viewer", title: "common.fleet" },
  { path: "/ui/login", page: "login", needs: "anyone", title: "login.title" },
  { path: "/ui/setup", page: "setup", needs: "anyone", title: "login.setup_title" },
  { path: "/ui/add", page: "add", needs: "admin", title: "common.add_host" },
  { path: "/ui/hosts/:id", page: "host", needs: "viewer", title: "common.host" },
  { path: "/ui/hosts/:id/edit", page: "host-edit", needs: "admin", title: "common.host" },
  { path: "/ui/alerts", page: "alerts", needs: "viewer", title: "common.alerts" },
  { path: "/ui/rules", page: "rules", needs: "viewer", title: "common.rules" },
  { path: "/ui/rules/:id", page: "rules", needs: "admin", title: "common.rules" },
  { path: "/ui/probes", page: "probes", needs: "viewer", title: "common.probes" },
  { path: "/ui/probes/:id", page: "probes", needs: "viewer", title: "common.probes" },
  { path: "/ui/proxmox", page: "proxmox", needs: "viewer", title: "common.proxmox" },
  { path: "/ui/settings", page: "settings", needs: "viewer", title: "common.settings" },
  { path: "/ui/settings/:section", page: "settings", needs: "viewer", title: "common.settings" },
];

/** The route of a path and its parameters. A fixed segment goes before a parameter: `/ui/rules/new` is `id: "new"` all the same. */
export function match(path: string, routes: readonly Route[] = ROUTES): { route: Route; params: Record<string, string> } | null {
  const segments = path.split("/");
  for (const route of routes) {
    const wanted = route.path.split("/");
    if (wanted.length !== segments.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, at) => {
      const segment = segments[at] ?? "";
      if (!part.startsWith(":")) return part === segment;
      if (segment === "") return false;
      params[part.slice(1)] = decoded(segment);
      return true;
    });
    // A host is a number; anything else is no host's address.
    if (fits && !(route.path.startsWith("/ui/hosts/") && !/^\d{1,16}$/.test(params.id ?? ""))) return { route, params };
  }
  return null;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

declare const __PAGES__: readonly string[];

/** Whether there is a page of this name in the build. */
export function hasPage(name: string): boolean {
  return loaded.has(name) || __PAGES__.includes(name);
}

const loaded = new Map<string, ComponentType<PageProps>>();

/** A page that is loaded already. */
export function pageNow(name: string): ComponentType<PageProps> | undefined {
  return loaded.get(name);
}

/** Makes a page of the first paint known. */
export function keepPage(name: string, page: ComponentType<PageProps>): void {
  loaded.set(name, page);
}

/** Loads a page with its style, which must be there before it is drawn. */
export async function loadPage(name: string): Promise<ComponentType<PageProps>> {
  const known = loaded.get(name);
  if (known) return known;
  const [module] = await Promise.all([import(`../pages/${name}/page.tsx`) as Promise<{ default: ComponentType<PageProps> }>, loadStyle(name)]);
  loaded.set(name, module.default);
  return module.default;
}

let styles: Record<string, string> | undefined;

/** The style of a page: the shell names it, as the build made it. */
function loadStyle(name: string): Promise<void> {
  styles ??= JSON.parse(document.getElementById("page-styles")?.textContent ?? "{}") as Record<string, string>;
  const address = styles[name];
  if (address === undefined || document.querySelector(`link[href="${address}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    link.onload = () => resolve();
    link.onerror = () => reject(new Error(`the style of ${name} cannot be loaded`));
    document.head.append(link);
  });
}
