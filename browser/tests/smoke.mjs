// Tests the page's promises without a browser: no imports, three functions, a policy that pins its contents, and nothing that stores or sends data.
//
//   node smoke.mjs MODULE.wasm PAGE.html
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { ask, compiled, file, inPieces, side, whole } from './module.mjs';

const [modulePath, pagePath] = process.argv.slice(2);
const module = compiled(modulePath);
assert.deepEqual(WebAssembly.Module.imports(module), [], 'the module imports nothing');
const functions = WebAssembly.Module.exports(module).filter((one) => one.kind === 'function').map((one) => one.name);
// With the feature openpgp, there is a fourth function, which reports that there are no random numbers.
assert.deepEqual(functions.filter((name) => name !== '__getrandom_custom').sort(), ['allocate', 'answer', 'run']);

if (existsSync(pagePath)) {
  const page = readFileSync(pagePath, 'utf8');
  const sha256 = (bytes) => createHash('sha256').update(bytes).digest('base64');
  const policy = page.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/)[1].split('; ');
  assert.deepEqual(policy, ["default-src 'none'", `script-src 'sha256-${sha256(page.match(/<script>([\s\S]*?)<\/script>/)[1])}' 'wasm-unsafe-eval'`,
    `style-src 'sha256-${sha256(page.match(/<style>([\s\S]*?)<\/style>/)[1])}'`, 'worker-src blob:', "base-uri 'none'", "form-action 'none'"]);
  const [, digest, packed] = page.match(/<script type="text\/plain" id="module" data-sha256="([0-9a-f]*)">([^<]*)/);
  const unpacked = gunzipSync(Buffer.from(packed, 'base64'));
  assert.ok(unpacked.equals(readFileSync(modulePath)), 'the page has this module');
  assert.equal(createHash('sha256').update(unpacked).digest('hex'), digest);
  const source = (name) => `\n${readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')}`;
  for (const [tag, name] of [['script', 'page.js'], ['style', 'page.css']]) {
    assert.ok(page.includes(`<${tag}>${source(name)}</${tag}>`), `the page is older than ${name}: run browser/build`);
  }
  const text = page.replace(packed, '');
  // The policy forbids most of these; the script contains none of those that it allows.
  for (const word of ['localStorage', 'sessionStorage', 'indexedDB', 'cookie', 'caches', 'fetch(', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'sendBeacon',
    'RTCPeerConnection', 'WebTransport', 'importScripts', 'serviceWorker', 'window.open', 'location', 'innerHTML', 'insertAdjacentHTML', 'document.write', 'eval(',
    'Function(', 'http:', 'https:', '<link', '<img', 'src=']) {
    assert.ok(!text.includes(word), `the page has no ${word}`);
  }
}

// The response to an unrecognised question never contains a verdict.
for (const [question, contents] of [[{ work: 'guess' }, []], [{ work: 'whole', evidence: ['a', 'a'], flags: { today: '2026-01-01T00:00:00Z' } }, [Buffer.alloc(1), Buffer.alloc(1)]],
  [{ work: 'whole', evidence: ['a'], flags: { today: '2026-01-01T00:00:00Z' } }, []], [{ work: 'whole', flags: { today: 'soon' } }, []],
  [{ work: 'whole', flags: { today: '2026-01-01T00:00:00Z', frobnicate: 1 } }, []], [{ work: 'whole', formats: ['vsa'], flags: { today: '2026-01-01T00:00:00Z' } }, []],
  [{ work: 'whole', flags: { today: '2026-01-01T00:00:00Z', require: ['all'] } }, []], [{ work: 'whole', flags: { today: '2026-01-01T00:00:00Z', key: ['sha256:12'] } }, []]]) {
  const says = ask(module, question, contents);
  assert.ok(says.defect && says.verdict === undefined, `${JSON.stringify(question)}: ${JSON.stringify(says)}`);
}

// If an evidence file and a trusted file have the same name, the policy uses the trusted file.
const folder = new URL('../../fixtures/base-right/', import.meta.url).pathname;
const bundle = readdirSync(folder).find((name) => name.endsWith('.sig.tbz'));
const terms = { formats: ['json'], flags: { paths: [bundle], policy: 'policy.toml', now: '2026-03-10T00:00:00Z', today: '2026-03-10T00:00:00Z' } };
const evidence = side(folder, [bundle, 'key.pem']);
for (const audit of [whole, inPieces]) {
  assert.equal(audit(module, evidence, side(folder, ['policy.toml', 'key.pem']), terms).verdict, 'accept');
  const without = audit(module, evidence, side(folder, ['policy.toml']), terms);
  assert.equal(without.verdict, 'none');
  assert.match(file(without, 'report.json').toString(), /key\.pem/);
}
const test = ask(module, { work: 'self-test' });
assert.equal(test.exit_code, 0, test.text);
console.log(`ok   the module: no imports, no verdict without a question, self-test (${readFileSync(modulePath).length} bytes)`);
