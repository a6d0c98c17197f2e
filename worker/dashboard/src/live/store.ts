// The live fleet, for all pages together: one socket while somebody is logged in and looks.

import { computed, signal, type ReadonlySignal } from "@preact/signals";

import { ApiError, get } from "../app/api.ts";
import { t } from "../app/i18n.ts";
import { taken, windowOf } from "./fleet.ts";
import { LiveSocket, type SocketState } from "./socket.ts";
import type { HostNow, Message } from "./types.ts";

const fleet = signal<ReadonlyMap<number, HostNow>>(new Map());
const state = signal<SocketState>({ live: false, phase: "off" });
const sentence = signal<string | null>(null);
const known = signal(false);

export const hosts: ReadonlySignal<ReadonlyMap<number, HostNow>> = fleet;
/** Whether a snapshot came since the socket was wanted: until then an empty fleet means nothing. */
export const isKnown: ReadonlySignal<boolean> = known;
export const liveState: ReadonlySignal<{ live: boolean; text: string }> = computed(() => ({ live: state.value.live, text: words(state.value) }));
/** A sentence of the server to show above everything. */
export const banner: ReadonlySignal<string | null> = sentence;

let offsetMs = 0;
/** The server's clock, by the last frame. */
export const serverNowMs = (): number => Date.now() + offsetMs;

const samples = new Set<(host: HostNow) => void>();
const windows = new Map<symbol, readonly number[]>();
let socket: LiveSocket | undefined;
let told: ReturnType<typeof setTimeout> | undefined;
/** Scrolling changes the window many times a second; the server is told when it rests. */
const TELL_MS = 250;

/** Adds hosts to those whose agents send each sample at once; at most 50 together count. The result takes them back. */
export function showHosts(ids: number[]): () => void {
  const key = Symbol("window");
  windows.set(key, ids);
  tell();
  return () => {
    windows.delete(key);
    tell();
  };
}

/** Hears of every host whose values are newer than before. The result ends it. */
export function onSample(listener: (host: HostNow) => void): () => void {
  samples.add(listener);
  return () => {
    samples.delete(listener);
  };
}

/** Begins to listen. `gone` is told when there is no session any more. */
export function startLive(gone: () => void): void {
  socket ??= new LiveSocket({
    state: (next) => {
      state.value = next;
    },
    message: take,
    async refused() {
      try {
        await get("/api/edgewatch/v1/session");
        return false;
      } catch (error) {
        const over = error instanceof ApiError && error.status === 401;
        if (over) gone();
        return over;
      }
    },
  });
  socket.start();
}

/** Ends it and forgets the fleet: whoever logs in next may see less. */
export function stopLive(): void {
  socket?.stop();
  fleet.value = new Map();
  sentence.value = null;
  known.value = false;
}

function take(message: Message): void {
  if (Number.isFinite(message.now_ms)) offsetMs = message.now_ms - Date.now();
  sentence.value = typeof message.banner === "string" && message.banner !== "" ? message.banner : null;
  const { hosts: next, sampled } = taken(fleet.peek(), message);
  fleet.value = next;
  if (message.type === "snapshot") known.value = true;
  for (const host of sampled) for (const listener of samples) listener(host);
}

function tell(): void {
  told ??= setTimeout(() => {
    told = undefined;
    socket?.show(windowOf(windows.values()));
  }, TELL_MS);
}

function words(now: SocketState): string {
  if (now.phase === "waiting") return t("common.live_waiting", { seconds: now.seconds });
  return t(`common.live_${now.phase}`);
}
