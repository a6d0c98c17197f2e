// Builds the dashboard into a folder of static assets: hashed files below assets/, and index.html, the shell that names them.
//
// Usage: node worker/dashboard/build.mjs [--out DIR] [--dev]
//   --out DIR   where to (default: worker/public/ui)
//   --dev       not minified, with source maps
// The first paint, which is the shell with everything that it loads before somebody opens another page, may weigh 100 kB gzipped.

import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import zlib from "node:zlib";

import * as esbuild from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const FIRST_PAINT_BYTES = 100_000;
/** What an own page of the dashboard may weigh when it is opened first, charts included. */
const PAGE_BYTES = 100_000;

const options = parseArgs({
  options: {
    out: { type: "string", default: path.join(HERE, "../public/ui") },
    dev: { type: "boolean", default: false },
  },
}).values;
const out = path.resolve(options.out);
// Beside what is there: a browser that loads in this moment finds the old files until all new ones are written.
const fresh = `${out}.new`;
fs.rmSync(fresh, { recursive: true, force: true });

/** The pages that are loaded when they are opened: folders of src/pages that hold a page.tsx. */
const pages = fs.readdirSync(path.join(HERE, "src/pages")).filter((name) => fs.existsSync(path.join(HERE, "src/pages", name, "page.tsx")));

const result = await esbuild.build({
  absWorkingDir: HERE,
  entryPoints: [{ in: "src/main.tsx", out: "main" }],
  outdir: path.join(fresh, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  publicPath: "/ui/assets/",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: !options.dev,
  sourcemap: options.dev ? "linked" : false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"', __PAGES__: JSON.stringify(pages) },
});

const outputs = Object.entries(result.metafile.outputs).map(([name, output]) => ({
  ...output,
  file: path.basename(name),
}));
const byEntry = new Map(outputs.filter((one) => one.entryPoint).map((one) => [one.entryPoint, one]));
const address = (name) => `/ui/assets/${path.basename(name)}`;

/** Copies a file of static/ under a name that has its content's hash; gives its address. */
function asset(name, content = fs.readFileSync(path.join(HERE, "static", name))) {
  const hash = crypto.createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const { name: stem, ext } = path.parse(name);
  const file = `${stem}-${hash}${ext}`;
  fs.writeFileSync(path.join(fresh, "assets", file), content);
  return `/ui/assets/${file}`;
}

const main = byEntry.get("src/main.tsx");
const mainFiles = [main.file, ...main.imports.filter((one) => one.kind === "import-statement").map((one) => path.basename(one.path))];

/** The style of each page that is loaded when it is opened, by the page's name. */
const styles = {};
for (const [entry, output] of byEntry) {
  const name = /^src\/pages\/([a-z-]+)\/page\.tsx$/.exec(entry)?.[1];
  if (name && output.cssBundle) styles[name] = address(output.cssBundle);
}

const theme = (await esbuild.transform(fs.readFileSync(path.join(HERE, "static/theme.js"), "utf8"), { minify: !options.dev })).code;
const icons = Object.fromEntries(["icon.svg", "icon-192.png", "icon-512.png", "icon-maskable-512.png"].map((name) => [name, asset(name)]));
const fill = (text, values) => text.replace(/\{\{([\w.-]+)\}\}/g, (_, name) => {
  if (!(name in values)) throw new Error(`the shell names ${name}, which is not built`);
  return values[name];
});
const manifest = asset("manifest.webmanifest", fill(fs.readFileSync(path.join(HERE, "static/manifest.webmanifest"), "utf8"), icons));
const shell = fill(fs.readFileSync(path.join(HERE, "static/index.html"), "utf8"), {
  ...icons,
  manifest,
  theme: asset("theme.js", theme),
  style: address(main.cssBundle),
  script: address(main.file),
  preload: mainFiles.slice(1).map((file) => `<link rel="modulepreload" href="${address(file)}">`).join("\n"),
  // No page's name or address has a mark of HTML in it.
  styles: JSON.stringify(styles),
});
fs.writeFileSync(path.join(fresh, "index.html"), shell);

// The policy of the pages allows none of this, and no message of a host may ever become markup.
for (const { file } of outputs.filter((one) => one.file.endsWith(".js"))) {
  const text = fs.readFileSync(path.join(fresh, "assets", file), "utf8");
  for (const sink of ["document.write(", "eval(", "new Function("]) {
    if (text.includes(sink)) throw new Error(`${file} has ${sink}`);
  }
}

const gzipped = (file) => zlib.gzipSync(fs.readFileSync(path.join(fresh, file)), { level: 9 }).length;
const first = ["index.html", ...[...mainFiles, path.basename(main.cssBundle), path.basename(address(theme && shell.match(/theme-[0-9A-F]+\.js/)[0]))].map((file) => `assets/${file}`)];
const weight = first.reduce((sum, file) => sum + gzipped(file), 0);
const lines = [`first paint: ${weight} bytes gzipped in ${first.length} files`];
if (!options.dev && weight > FIRST_PAINT_BYTES) throw new Error(`the first paint weighs ${weight} bytes gzipped, more than ${FIRST_PAINT_BYTES}`);

/** What a page loads besides the first paint. */
function own(output, seen = new Set(mainFiles)) {
  if (seen.has(output.file)) return 0;
  seen.add(output.file);
  const imported = output.imports.filter((one) => one.kind === "import-statement");
  const parts = imported.map((one) => outputs.find((other) => other.file === path.basename(one.path))).filter(Boolean);
  return gzipped(`assets/${output.file}`) + parts.reduce((sum, part) => sum + own(part, seen), 0);
}
for (const [entry, output] of byEntry) {
  const name = /^src\/pages\/([a-z-]+)\/page\.tsx$/.exec(entry)?.[1];
  if (!name) continue;
  const size = own(output) + (output.cssBundle ? gzipped(`assets/${path.basename(output.cssBundle)}`) : 0);
  lines.push(`page ${name}: ${size} bytes`);
  if (!options.dev && size > PAGE_BYTES) throw new Error(`the page ${name} weighs ${size} bytes gzipped, more than ${PAGE_BYTES}`);
}

fs.rmSync(out, { recursive: true, force: true });
fs.renameSync(fresh, out);
process.stdout.write(`${lines.join("\n")}\n`);
