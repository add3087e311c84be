// Bundles what the site shows into ../static with names that carry a hash of the content, so that
// browsers may keep each file for ever, and writes manifest.json: {plain name: hashed name}.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.env.MUSTER_STATIC_DIR ?? join(here, "..", "static");
const manifest = {};

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  entryNames: "[name]-[hash]",
  outdir: out,
  metafile: true,
  legalComments: "eof",
  logLevel: "warning",
};

function remember(result) {
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint === undefined) continue;
    const plain = basename(output.entryPoint).replace(/\.ts$/, ".js");
    manifest[plain] = basename(path);
  }
}

function sprite() {
  const names = JSON.parse(readFileSync(join(here, "icons.json"), "utf8"));
  const folder = join(here, "node_modules", "@tabler", "icons", "icons", "outline");
  const symbols = names.map((name) => {
    const body = readFileSync(join(folder, `${name}.svg`), "utf8")
      .replace(/^[\s\S]*?<svg[^>]*>/, "")
      .replace("</svg>", "")
      .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/, "")
      .replace(/\s+/g, " ")
      .trim();
    return `<symbol id="${name}" viewBox="0 0 24 24">${body}</symbol>`;
  });
  const text = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
  writeHashed("icons.svg", text);
}

function writeHashed(name, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
  const hashed = name.replace(/(\.\w+)$/, `-${hash}$1`);
  writeFileSync(join(out, hashed), text);
  manifest[name] = hashed;
}

function compress() {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  for (const name of readdirSync(out)) {
    const bytes = readFileSync(join(out, name));
    writeFileSync(join(out, `${name}.br`), brotliCompressSync(bytes, quality));
    writeFileSync(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  }
}

// theme.ts runs before the first paint, so it is a classic script of its own.
remember(await build({ ...common, entryPoints: ["src/theme.ts"], format: "iife" }));
remember(
  await build({
    ...common,
    entryPoints: ["src/app.ts", "src/device.ts"],
    chunkNames: "chunk-[hash]",
    format: "esm",
    splitting: true,
  }),
);
remember(await build({ ...common, entryPoints: ["src/muster.css"] }));
sprite();
writeHashed("favicon.svg", readFileSync(join(here, "src", "favicon.svg"), "utf8"));
compress();
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
console.log(`assets: ${Object.values(manifest).join(", ")}`);
