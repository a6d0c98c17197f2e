// The one-time link: `/#setup=…`. Its secret stands behind the #, which no browser sends, and leaves the address bar at once.

let kept: string | null = null;

/** Takes the secret out of the address, where there is one. Once, before anything else reads the address. */
export function takeSetupLink(): void {
  const found = /^#setup=([0-9A-Za-z]+)$/.exec(window.location.hash)?.[1];
  if (found === undefined) return;
  kept = found;
  history.replaceState(null, "", "/ui/setup");
}

/** The secret, while it may be good. */
export function setupToken(): string | null {
  return kept;
}

/** It is used up. */
export function forgetSetupToken(): void {
  kept = null;
}
