// The socket: opened, watched, opened again. Who uses it hears `message` (an object) and `state`
// ({ live: boolean, text: string }), and `refused` when the server may want to know who we are.

import { backOff } from "./words.js";

const PING_S = 25;
/** A server that says nothing for so long after a ping is gone. */
const PATIENCE_S = 10;
/** A tab that is hidden for so long stops listening. */
const HIDDEN_S = 5;
/** The server wants us to show again who we are; nothing is wrong. */
const AGAIN = 4001;

export class Live {
  #socket;
  #timers = {};
  #failures = 0;
  #window = "";
  #wanted = false;
  #on;

  constructor(on) {
    this.#on = on;
    document.addEventListener("visibilitychange", () => this.#visibility());
    window.addEventListener("online", () => this.#retryNow());
  }

  start() {
    this.#wanted = true;
    this.#failures = 0;
    if (!document.hidden) this.#open();
  }

  stop() {
    this.#wanted = false;
    this.#close();
  }

  /** Says which hosts are shown. */
  show(ids) {
    const text = JSON.stringify({ type: "window", hosts: ids });
    if (text === this.#window) return;
    this.#window = text;
    this.#send(text);
  }

  #visibility() {
    this.#set("hidden", document.hidden ? HIDDEN_S : null, () => {
      this.#close();
      this.#on.state({ live: false, text: "paused while this tab is hidden" });
    });
    if (!document.hidden && this.#wanted && !this.#socket) this.#retryNow();
  }

  #retryNow() {
    if (!this.#wanted || this.#socket || document.hidden) return;
    this.#open();
  }

  #open() {
    this.#close();
    this.#on.state({ live: false, text: "connecting …" });
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live`);
    this.#socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      if (this.#window) this.#send(this.#window);
      this.#ping();
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#set("patience", null);
      if (data === "pong") return;
      let message;
      try {
        message = JSON.parse(data);
      } catch {
        return;
      }
      this.#failures = 0;
      this.#on.state({ live: true, text: "live" });
      this.#on.message(message);
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      this.#close();
      if (code === AGAIN) this.#open();
      else this.#wait(opened);
    };
  }

  async #wait(opened) {
    // A browser does not tell why a socket was refused.
    if (!opened && (await this.#on.refused())) return;
    if (!this.#wanted) return;
    const seconds = backOff(this.#failures);
    this.#failures += 1;
    const until = Date.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left <= 0) return this.#retryNow();
      this.#on.state({ live: false, text: `not live: trying again in ${left} s` });
      this.#set("retry", Math.min(1, (until - Date.now()) / 1000), tick);
    };
    tick();
  }

  #ping() {
    this.#set("ping", PING_S, () => {
      this.#send("ping");
      this.#set("patience", PATIENCE_S, () => {
        this.#close();
        this.#wait(true);
      });
      this.#ping();
    });
  }

  #send(text) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #close() {
    const socket = this.#socket;
    this.#socket = undefined;
    for (const name of ["ping", "patience", "retry"]) this.#set(name, null);
    socket?.close(1000);
  }

  /** Sets the timer of that name anew, or only ends it. */
  #set(name, seconds, run) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = seconds === null ? undefined : setTimeout(run, seconds * 1000);
  }
}
