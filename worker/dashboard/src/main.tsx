// Where the dashboard begins: the first paint's pages, then everything that listens, then the session.

import "@preact/signals";
import { render } from "preact";

import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/ui.css";
import "./app/shell.css";

import { App } from "./app/App.tsx";
import { locale, register } from "./app/i18n.ts";
import { startKeys } from "./app/keys.ts";
import { startRouter } from "./app/router.ts";
import { keepPage } from "./app/routes.ts";
import { findSession, watchRefusals } from "./app/session.ts";
import enCommon from "./messages/en/common.json";
import enFleet from "./messages/en/fleet.json";
import enLogin from "./messages/en/login.json";
import zhCommon from "./messages/zh/common.json";
import zhFleet from "./messages/zh/fleet.json";
import zhLogin from "./messages/zh/login.json";
import FleetPage from "./pages/fleet/FleetPage.tsx";
import LoginPage from "./pages/login/LoginPage.tsx";
import { takeSetupLink } from "./pages/setup/link.ts";
import SetupPage from "./pages/setup/SetupPage.tsx";

register("common", { en: enCommon, zh: zhCommon });
register("fleet", { en: enFleet, zh: zhFleet });
register("login", { en: enLogin, zh: zhLogin });
document.documentElement.lang = locale();

keepPage("fleet", FleetPage);
keepPage("login", LoginPage);
keepPage("setup", SetupPage);

// Before the router reads the address: what stands behind the # is a secret and leaves the address bar at once.
takeSetupLink();
startRouter();
startKeys();
watchRefusals();
void findSession();

const root = document.getElementById("app");
if (root) render(<App />, root);
