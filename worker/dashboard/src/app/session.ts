// Who looks at the page. Asked once at the start, and again when a request is refused.

import { signal, type ReadonlySignal } from "@preact/signals";

import { ApiError, get, onRefused, send } from "./api.ts";

export interface Session {
  user?: { name: string; role: "admin" | "viewer" };
  scopes?: string[];
  guest: boolean;
  isAdmin: boolean;
}

const PATH = "/api/edgewatch/v1/session";
type Reply = Omit<Session, "isAdmin">;

const current = signal<Session | null | undefined>(undefined);
/** undefined: not asked yet; null: nobody, who gets the login page. */
export const session: ReadonlySignal<Session | null | undefined> = current;
/** Why the session could not be asked for, while it could not. */
export const sessionTrouble = signal<ApiError | null>(null);

/** Asks who one is; an access proxy in front may have said it already. */
export async function findSession(): Promise<void> {
  sessionTrouble.value = null;
  try {
    const reply = await get<Reply>(PATH);
    take(reply);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 401) {
      sessionTrouble.value = error;
      return;
    }
    const known = await byProxy();
    if (known) take(known);
    else current.value = null;
  }
}

/** Logs in; the refusal is the caller's to show. */
export async function logIn(body: { username: string; password: string } | { token: string }): Promise<void> {
  take(await send<Reply>("POST", PATH, body));
}

/** Logs out. Who still sees the guest page is a guest then. */
export async function logOut(): Promise<void> {
  try {
    await send<void>("DELETE", PATH);
  } catch (error) {
    // Who is logged out already has what was wanted.
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  }
  current.value = null;
}

/** For pages that log somebody in by another way, such as a setup link. */
export async function sessionChanged(): Promise<void> {
  await findSession();
}

/** Its cookie is out of a script's sight, so the server has to be asked. */
async function byProxy(): Promise<Reply | null> {
  try {
    return await send<Reply>("POST", PATH, { access_proxy: true });
  } catch {
    return null;
  }
}

function take(reply: Reply): void {
  const isAdmin = reply.user?.role === "admin" || (reply.scopes ?? []).includes("admin");
  current.value = { ...reply, isAdmin };
}

/** A request that was refused while one was thought to be logged in: the session is over, or was taken away. */
export function watchRefusals(): void {
  let asking = false;
  onRefused(() => {
    if (asking || !current.value || current.value.guest) return;
    asking = true;
    get<Reply>(PATH)
      .then(take, (error: unknown) => {
        if (error instanceof ApiError && error.status === 401) current.value = null;
      })
      .finally(() => {
        asking = false;
      });
  });
}
