// The socket: opened, watched, opened again. Who uses it hears messages and states.

import { backOff } from "./fleet.ts";
import type { Message } from "./types.ts";

const PING_S = 25;
/** A server that says nothing for so long after a ping is gone. */
const PATIENCE_S = 10;
/** A tab that is hidden for so long stops listening. */
const HIDDEN_S = 5;
/** The server wants us to show again who we are; nothing is wrong. */
const AGAIN = 4001;

export type SocketState = { live: boolean; phase: "off" | "connecting" | "live" | "paused" } | { live: false; phase: "waiting"; seconds: number };

export interface Listeners {
  message(message: Message): void;
  state(state: SocketState): void;
  /** A browser does not tell why a socket was refused. True when there is no session any more. */
  refused(): Promise<boolean>;
}

type Timer = "ping" | "patience" | "retry" | "hidden";

export class LiveSocket {
  #socket: WebSocket | undefined;
  #timers: Partial<Record<Timer, ReturnType<typeof setTimeout>>> = {};
  #failures = 0;
  #window = "";
  #wanted = false;
  #on: Listeners;

  constructor(on: Listeners) {
    this.#on = on;
    document.addEventListener("visibilitychange", () => this.#visibility());
    window.addEventListener("online", () => this.#retryNow());
    // A page that the browser keeps for going back must not keep a socket.
    window.addEventListener("pagehide", () => this.#close());
    window.addEventListener("pageshow", (event) => event.persisted && this.#retryNow());
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#failures = 0;
    if (!document.hidden) this.#open();
  }

  stop(): void {
    this.#wanted = false;
    this.#close();
    this.#on.state({ live: false, phase: "off" });
  }

  /** Says which hosts are shown. */
  show(ids: number[]): void {
    const text = JSON.stringify({ type: "window", hosts: ids });
    if (text === this.#window) return;
    this.#window = text;
    this.#send(text);
  }

  #visibility(): void {
    this.#set("hidden", document.hidden ? HIDDEN_S : null, () => {
      this.#close();
      if (this.#wanted) this.#on.state({ live: false, phase: "paused" });
    });
    if (!document.hidden) this.#retryNow();
  }

  #retryNow(): void {
    if (!this.#wanted || this.#socket || document.hidden) return;
    this.#open();
  }

  #open(): void {
    this.#close();
    this.#on.state({ live: false, phase: "connecting" });
    const socket = new WebSocket(`${window.location.origin.replace(/^http/, "ws")}/live`);
    this.#socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      if (this.#window) this.#send(this.#window);
      this.#ping();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      if (socket !== this.#socket) return;
      this.#set("patience", null);
      if (data === "pong") return;
      const message = readMessage(data);
      if (!message) return;
      this.#failures = 0;
      this.#on.state({ live: true, phase: "live" });
      this.#on.message(message);
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#close();
      if (code === AGAIN) this.#open();
      else void this.#wait(opened);
    };
  }

  async #wait(opened: boolean): Promise<void> {
    if (!opened && (await this.#on.refused())) return;
    if (!this.#wanted || this.#socket) return;
    const seconds = backOff(this.#failures);
    this.#failures += 1;
    const until = Date.now() + seconds * 1000;
    const tick = (): void => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left <= 0) return this.#retryNow();
      this.#on.state({ live: false, phase: "waiting", seconds: left });
      this.#set("retry", Math.min(1, (until - Date.now()) / 1000), tick);
    };
    tick();
  }

  #ping(): void {
    this.#set("ping", PING_S, () => {
      this.#send("ping");
      this.#set("patience", PATIENCE_S, () => {
        this.#close();
        void this.#wait(true);
      });
      this.#ping();
    });
  }

  #send(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    for (const name of ["ping", "patience", "retry"] as const) this.#set(name, null);
    socket?.close(1000);
  }

  /** Sets the timer of that name anew, or only ends it. */
  #set(name: Timer, seconds: number | null, run?: () => void): void {
    clearTimeout(this.#timers[name]);
    if (seconds === null || !run) delete this.#timers[name];
    else this.#timers[name] = setTimeout(run, seconds * 1000);
  }
}

function readMessage(data: string): Message | null {
  try {
    const message = JSON.parse(data) as Message;
    return (message.type === "snapshot" || message.type === "delta") && Array.isArray(message.hosts) ? message : null;
  } catch {
    return null;
  }
}
