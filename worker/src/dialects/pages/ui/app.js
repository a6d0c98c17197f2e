// The page at `/`: who one is, and the fleet. It replaces itself by showing one of its sections.

import { Fleet } from "./fleet.js";
import { Live } from "./live.js";

const API = "/api/edgewatch/v1";
const ids = ["live", "logout", "banner", "login", "login-form", "token", "login-error", "setup", "setup-form", "username"];
ids.push("setup-error", "made", "made-token", "made-continue", "fleet", "counts", "filter", "table", "head", "rows", "empty");
const page = Object.fromEntries(ids.map((id) => [id, document.getElementById(id)]));

/** Asks our own API. Gives `{ status, body }`; status 0 when nothing answered. */
async function ask(method, path, body) {
  try {
    const headers = { "x-edgewatch-csrf": "1", "content-type": "application/json" };
    const reply = await fetch(API + path, { method, headers, body: body && JSON.stringify(body) });
    return { status: reply.status, body: await reply.json().catch(() => ({})) };
  } catch {
    return { status: 0, body: {} };
  }
}

function reason({ status, body }) {
  if (status === 0) return "The server cannot be reached.";
  return body.error?.message ?? `The server answered with status ${status}.`;
}

function show(section) {
  for (const id of ["login", "setup", "fleet"]) page[id].hidden = id !== section;
  page.logout.hidden = section !== "fleet";
  if (section !== "fleet") {
    state({ live: false, text: "" });
    page.banner.hidden = true;
  }
  page[{ login: "token", setup: "username" }[section]]?.focus();
}

function state({ live, text }) {
  if (page.live.textContent !== text) page.live.textContent = text;
  page.live.dataset.live = live;
  page.table.classList.toggle("stale", !live);
}

function banner(text) {
  const words = typeof text === "string" ? text : "";
  page.banner.hidden = words === "";
  if (page.banner.textContent !== words) page.banner.textContent = words;
}

const live = new Live({
  state,
  message(message) {
    banner(message.banner);
    fleet.take(message);
  },
  /** True when there is no session any more. */
  async refused() {
    const { status } = await ask("GET", "/session");
    if (status !== 401) return false;
    leave();
    return true;
  },
});
const fleet = new Fleet(page, (shown) => live.show(shown));

function enter() {
  show("fleet");
  live.start();
}

function leave() {
  live.stop();
  fleet.clear();
  show("login");
}

page["login-form"].addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = page.token.value.trim();
  page["login-error"].textContent = "";
  const reply = await ask("POST", "/session", { token });
  if (reply.status === 201) {
    page.token.value = "";
    enter();
  } else {
    page["login-error"].textContent = reply.status === 401 ? "This token is not known, or it is over." : reason(reply);
  }
});

page.logout.addEventListener("click", async () => {
  live.stop();
  const reply = await ask("DELETE", "/session");
  if ([204, 401].includes(reply.status)) leave();
  else {
    live.start();
    banner(`You are still logged in. ${reason(reply)}`);
  }
});

/** The one-time link: its secret stands behind `#`, which no browser sends. */
function setUp(token) {
  // Out of the address bar and the history at once.
  history.replaceState(null, "", "/");
  show("setup");
  page["setup-form"].addEventListener("submit", async (event) => {
    event.preventDefault();
    const reply = await ask("POST", "/setup", { token, username: page.username.value });
    if (reply.status === 201) {
      page["setup-form"].hidden = true;
      page.made.hidden = false;
      page["made-token"].textContent = reply.body.token;
    } else {
      page["setup-error"].textContent =
        reply.status === 401 ? "This link was used, or it is over an hour old. Make another one." : reason(reply);
    }
  });
  page["made-continue"].addEventListener("click", () => {
    page["made-token"].textContent = "";
    enter();
  });
}

const link = /^#setup=([0-9A-Za-z]+)$/.exec(location.hash);
if (link) setUp(link[1]);
else {
  const reply = await ask("GET", "/session");
  if (reply.status === 401) show("login");
  else enter();
}
