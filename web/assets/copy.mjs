// Copies what the pages load from node_modules to web/static/vendor, or to the folder named as argument.
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PurgeCSS } from "purgecss";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "node_modules");
const target = resolve(process.argv[2] ?? join(here, "..", "static", "vendor"));
const fresh = `${target}.new`;

const files = {
  "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
  "htmx.org/dist/ext/hx-ws.min.js": "htmx/hx-ws.min.js",
  "bootstrap-italia/dist/css/bootstrap-italia.min.css": "bootstrap-italia/css/bootstrap-italia.min.css",
  "bootstrap-italia/dist/svg/sprites.svg": "bootstrap-italia/svg/sprites.svg",
  "@twilio/voice-sdk/dist/twilio.min.js": "twilio/twilio.min.js",
  "leaflet/dist/leaflet.js": "leaflet/leaflet.js", // maps, where an installation names tiles
  "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
  "uplot/dist/uPlot.esm.js": "uplot/uPlot.esm.js", // charts: fast, small, and at home under our policy of contents
  "uplot/dist/uPlot.min.css": "uplot/uPlot.min.css",
};
for (const font of ["Titillium_Web", "Roboto_Mono"]) {
  for (const name of readdirSync(join(packages, "bootstrap-italia/dist/fonts", font))) {
    // Pages load woff2; reports on paper are set in Titillium's regular and bold, as TrueType.
    if (/\.(woff2|txt)$/.test(name) || /^titillium.*(regular|700)\.ttf$/.test(name)) {
      files[`bootstrap-italia/dist/fonts/${font}/${name}`] = `bootstrap-italia/fonts/${font}/${name}`;
    }
  }
}

rmSync(fresh, { recursive: true, force: true });
for (const [source, destination] of Object.entries(files)) {
  const path = join(fresh, destination);
  mkdirSync(dirname(path), { recursive: true });
  cpSync(join(packages, source), path);
}
// Of Bootstrap Italia the citizens' pages load what they use: on a slow phone 10 kB in the place of 91.
const [used] = await new PurgeCSS().purge({
  content: [join(here, "..", "templates", "booking", "*.html")],
  css: [join(fresh, "bootstrap-italia/css/bootstrap-italia.min.css")],
  fontFace: true,
  keyframes: true,
  safelist: { greedy: [/focus/] }, // rings of focus hang on attributes that no page has
});
if (!used.css.includes(".it-header-wrapper")) throw new Error("the templates of the citizens' pages are not there");
writeFileSync(join(fresh, "bootstrap-italia/css/booking.min.css"), used.css);
rmSync(target, { recursive: true, force: true });
renameSync(fresh, target);
