// The page at `/`: who one is, and the fleet. It replaces itself by showing one of its sections.

import { Fleet } from "./fleet.js";
import { Live } from "./live.js";

const API = "/api/edgewatch/v1";
const ids = ["live", "logout", "banner", "login", "login-form", "name", "password", "login-error", "token-form", "token"];
ids.push("token-error", "view-form", "view", "view-error", "setup", "setup-form", "username", "new-password", "setup-error", "made", "made-token", "made-continue", "fleet", "counts", "filter", "table", "head", "rows", "empty");
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
  if (status === 429) return "Too many attempts. Wait a little, or log in with a token.";
  return body.error?.message ?? `The server answered with status ${status}.`;
}

function show(section) {
  for (const id of ["login", "setup", "fleet"]) page[id].hidden = id !== section;
  page.logout.hidden = section !== "fleet";
  if (section !== "fleet") {
    state({ live: false, text: "" });
    page.banner.hidden = true;
  }
  page[{ login: "name", setup: "username" }[section]]?.focus();
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

/** Whether who looks is no member; then the one button logs in. */
let guest = false;

function enter(asGuest = false) {
  guest = asGuest;
  page.logout.textContent = guest ? "Log in" : "Log out";
  if (location.pathname !== "/") history.replaceState(null, "", "/");
  show("fleet");
  live.start();
}

function leave() {
  live.stop();
  fleet.clear();
  show("login");
}

/** Lets a form log in: `secret` is the field that is emptied then, `wrong` what a refusal means. */
function logsIn(form, error, secret, body, wrong) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.textContent = "";
    const reply = await ask("POST", "/session", body());
    if (reply.status === 201) {
      secret.value = "";
      enter();
    } else {
      error.textContent = reply.status === 401 ? wrong : reason(reply);
    }
  });
}

const byPassword = () => ({ username: page.name.value, password: page.password.value });
const byToken = () => ({ token: page.token.value.trim() });
logsIn(page["login-form"], page["login-error"], page.password, byPassword, "This name and password do not belong together.");
logsIn(page["token-form"], page["token-error"], page.token, byToken, "This token is not known, or it is over.");

page["view-form"].addEventListener("submit", async (event) => {
  event.preventDefault();
  page["view-error"].textContent = "";
  const body = JSON.stringify({ Password: page.view.value });
  // The right one is answered by leading elsewhere.
  const reply = await fetch("/view-password", { method: "POST", body, redirect: "manual" }).catch(() => ({ status: -1 }));
  if (reply.type === "opaqueredirect") {
    page.view.value = "";
    enter(true);
  } else {
    const status = Math.max(0, reply.status);
    page["view-error"].textContent = status === 200 ? "This is not the view password." : reason({ status, body: {} });
  }
});

page.logout.addEventListener("click", async () => {
  live.stop();
  if (guest) {
    leave();
    return;
  }
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
    const wanted = { token, username: page.username.value, password: page["new-password"].value };
    const reply = await ask("POST", "/setup", wanted);
    if (reply.status === 201) {
      page["new-password"].value = "";
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
  // An access proxy in front may have said already who this is.
  const isKnown = reply.status !== 401 || (await ask("POST", "/session", { access_proxy: true })).status === 201;
  if (isKnown) enter(reply.body.guest === true);
  else show("login");
}
