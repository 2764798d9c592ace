// Assembles the page: page.html with its style, its script and the module, and a policy that pins style and script by their digests.
//
//   node page.mjs MODULE.wasm PAGE.html
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const [from, to] = process.argv.slice(2);
const here = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const sha256 = (bytes, encoding) => createHash('sha256').update(bytes).digest(encoding);

const module = readFileSync(from);
const imports = WebAssembly.Module.imports(new WebAssembly.Module(module));
if (imports.length > 0) throw new Error(`the module imports ${imports.map((one) => `${one.module}.${one.name}`).join(', ')}`);

const [style, script] = [`\n${here('page.css')}`, `\n${here('page.js')}`];
const policy = [
  "default-src 'none'",
  `script-src 'sha256-${sha256(script, 'base64')}' 'wasm-unsafe-eval'`,
  `style-src 'sha256-${sha256(style, 'base64')}'`,
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
];
const parts = {
  CSP: policy.join('; '),
  STYLE: style,
  SCRIPT: script,
  MODULE: gzipSync(module, { level: 9 }).toString('base64'),
  MODULE_SHA256: sha256(module, 'hex'),
};
const page = here('page.html').replace(/\{\{([A-Z0-9_]+)\}\}/g, (_, name) => parts[name]);
writeFileSync(to, page);
console.log(`${sha256(page, 'hex')}  ${to} (${page.length} bytes)`);
