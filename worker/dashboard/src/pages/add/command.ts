// The line that adds a host. Pure.

/** Installs and registers: the address is the page's own, the token an argument to nobody but the shell that runs it. */
export function installCommand(origin: string, token: string): string {
  const url = new URL(origin);
  // The script refuses to send a token in clear to another machine unless it is told to.
  const isClear = url.protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return `curl -fsSL ${url.origin}/install.sh | ${isClear ? "EDGEWATCH_INSECURE_HTTP=1 " : ""}NEZHA_TOKEN=${token} sh`;
}

/** The hosts that came since: not among those that were known, in the order of their numbers. */
export function arrived<T extends { id: number }>(known: ReadonlySet<number>, now: Iterable<T>): T[] {
  return [...now].filter((host) => !known.has(host.id)).sort((one, other) => one.id - other.id);
}
