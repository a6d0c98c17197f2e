// Where one is: the address bar as a signal. Plain links inside the dashboard change it without loading the page anew.

import { signal, type ReadonlySignal } from "@preact/signals";

export interface Location {
  path: string;
  query: URLSearchParams;
}

const current = signal<Location>(read());
export const location: ReadonlySignal<Location> = current;

/** Whether the last move was back or forward, and where the page was scrolled to then. */
export let restoredScroll: number | null = null;

/** Goes to an address of the dashboard. */
export function navigate(path: string, options?: { replace?: boolean }): void {
  const wanted = new URL(path, window.location.origin);
  // The same page once more: nothing to go back to.
  const same = wanted.pathname + wanted.search === window.location.pathname + window.location.search;
  keepScroll();
  restoredScroll = null;
  if (options?.replace || same) history.replaceState({}, "", wanted);
  else history.pushState({}, "", wanted);
  current.value = read();
}

/** Changes the query of the address in place; null takes a name away. */
export function setQuery(changes: Record<string, string | null>): void {
  const url = new URL(window.location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (url.href === window.location.href) return;
  history.replaceState(history.state, "", url);
  current.value = read();
}

/** Whether an address is one of the dashboard's own pages. Files and the pages of others are loaded. */
export function isOwn(path: string): boolean {
  return path === "/" || (path.startsWith("/ui/") && !path.startsWith("/ui/assets/"));
}

/** Listens to the browser. Once, at the start. */
export function startRouter(): void {
  history.scrollRestoration = "manual";
  window.addEventListener("popstate", (event) => {
    restoredScroll = typeof event.state?.scroll === "number" ? event.state.scroll : 0;
    current.value = read();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== window.location.origin || !isOwn(url.pathname)) return;
    if (url.hash !== "" && url.pathname === window.location.pathname) return;
    event.preventDefault();
    navigate(url.pathname + url.search);
  });
}

function keepScroll(): void {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
}

function read(): Location {
  if (typeof window === "undefined") return { path: "/", query: new URLSearchParams() };
  return { path: window.location.pathname, query: new URLSearchParams(window.location.search) };
}
