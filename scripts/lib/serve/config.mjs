// workerd's configuration for scripts/serve, from wrangler.toml: the built Worker and what stands in for the platform around it. Values of
// variables are not in it: workerd takes them from its environment.

import fs from "node:fs";
import path from "node:path";

/** What the Worker may be told by variables; wrangler.toml says what they are for. Those for tests are not among them. */
export const VARIABLES = [
  "ACCESS_AUDIENCE",
  "ACCESS_DEFAULT_ROLE",
  "ACCESS_TEAM_DOMAIN",
  "ALLOW_UNPROTECTED_AUTO_REGISTER",
  "ALLOW_UNPROTECTED_EXPORT",
  "API_TOKEN",
  "EDGEWATCH_KEY",
  "HUB_SHARDS",
  "KEEP_MINUTES_DAYS",
  "KEEP_SAMPLES_HOURS",
  "KEEP_TEN_MINUTES_DAYS",
  "KEEP_TWO_HOURS_DAYS",
  "PLAN",
  "PUBLIC_URL",
  "REGISTRATION_TOKEN_DEFAULT_MAX_USES",
  "REGISTRATION_TOKEN_DEFAULT_VALIDITY",
  "REQUIRE_REGISTRATION_TOKEN",
  "SECURITY_CONTACT",
  "TRUSTED_ADDRESS_HEADER",
  "UPDATE_DEPLOY_HOOK_URL",
  "UPDATE_FEED_URL",
];

/** A text as capnp writes it. */
const text = (value) => `"${value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;

/** [binding, class] of each of wrangler.toml's Durable Objects. */
function objectsOf(wrangler) {
  const found = wrangler.matchAll(/^\[\[durable_objects\.bindings\]\]\s*name *= *"([^"]*)"\s*class_name *= *"([^"]*)"/gm);
  return [...found].map(([, binding, name]) => [binding, name]);
}

/** `names`: the variables that are set. Modules are embedded from the folder that the configuration lies in. */
export function configuration({ wrangler, address, socket, objects, assets, names, certificates }) {
  const date = /^compatibility_date *= *"([^"]*)"/m.exec(wrangler)?.[1];
  if (!date) throw new Error("wrangler.toml has no compatibility_date");
  const bound = objectsOf(wrangler);
  if (bound.length === 0) throw new Error("wrangler.toml has no Durable Objects");
  const namespace = ([, name]) => `(className = ${text(name)}, uniqueKey = ${text(`edgewatch-${name}`)}, enableSql = true)`;
  const bindings = [
    `(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")]))`,
    `(name = "ASSETS", service = "assets")`,
    ...bound.map(([binding, name]) => `(name = ${text(binding)}, durableObjectNamespace = ${text(name)})`),
    ...names.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`),
  ];
  const trusted = certificates ? `, trustedCertificates = [${text(certificates)}]` : "";
  const lines = (values, indent) => values.join(`,\n${indent}`);
  return `# Written by scripts/serve at each start.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "d1", worker = .d1),
    (name = "assets", worker = .assets),
    (name = "files", disk = (path = ${text(assets)}, writable = false)),
    (name = "objects", disk = (path = ${text(objects)}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true${trusted}))),
  ],
  sockets = [
    (name = "public", address = ${text(address)}, http = (), service = "main"),
    (name = "control", address = ${text(`unix:${socket}`)}, http = (), service = (name = "main", entrypoint = "Control")),
  ],
);

const main :Workerd.Worker = (
  compatibilityDate = ${text(date)},
  modules = [
    (name = "door.mjs", esModule = embed "door.mjs"),
    (name = "index.js", esModule = embed "index.js"),
    (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
  ],
  bindings = [
    ${lines(bindings, "    ")},
  ],
  durableObjectNamespaces = [
    ${lines(bound.map(namespace), "    ")},
  ],
  durableObjectStorage = (localDisk = "objects"),
);

const d1 :Workerd.Worker = (
  compatibilityDate = ${text(date)},
  modules = [(name = "d1.mjs", esModule = embed "d1.mjs")],
  bindings = [(name = "DATABASE", durableObjectNamespace = "Database")],
  durableObjectNamespaces = [(className = "Database", uniqueKey = "edgewatch-Database", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
);

const assets :Workerd.Worker = (
  compatibilityDate = ${text(date)},
  modules = [(name = "assets.mjs", esModule = embed "assets.mjs")],
  bindings = [(name = "FILES", service = "files")],
);
`;
}

/** Lays what workerd runs into `run`, so that a build or an update of the source tree changes nothing under a Worker that is running. */
export function layOut(run, { root, build, config }) {
  const copy = (from, name) => fs.copyFileSync(path.join(from, name), path.join(run, name));
  for (const name of ["index.js", "index_bg.wasm"]) copy(build, name);
  for (const name of ["door.mjs", "d1.mjs", "assets.mjs"]) copy(path.join(root, "scripts/lib/serve"), name);
  fs.writeFileSync(path.join(run, "workerd.capnp"), config);
}
