// Tests the page in Debian's Chromium, opened from disk: an auditor's steps, and that nothing leaves the page.
//
//   node chromium.mjs PAGE.html NATIVE [--big FOLDER] [--screenshots FOLDER]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import assert from 'node:assert/strict';
import { importing, trapping, withoutMemory } from './odd-modules.mjs';
import { runTests } from './run-tests.mjs';
import { states } from './states.mjs';

const [pagePath, native, ...rest] = process.argv.slice(2);
const option = (name) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : null);
const [big, shots] = [option('--big'), option('--screenshots')];
// The folder in which `tests/browser` installed the packages.
const require = createRequire(join(resolve(process.env.HPSB_NODE_MODULES ?? 'node_modules'), 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const top = mkdtempSync(join(tmpdir(), 'hpsb-audit-page-'));
const given = states(top, native);
const place = (path) => `file://${resolve(path)}`;
const requests = [];

async function launch(args = []) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', ...args] });
  return browser;
}

/** A new page. Every request that is not of the page itself is kept. */
async function open(browser, path = pagePath, settings = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...settings });
  const page = await context.newPage();
  const log = (url) => {
    if (!/^(blob:|data:|about:)/.test(url) && url !== place(path)) requests.push(url);
  };
  const tools = await context.newCDPSession(page);
  await tools.send('Network.enable');
  tools.on('Network.requestWillBeSent', ({ request }) => log(request.url));
  tools.on('Network.webSocketCreated', ({ url }) => requests.push(url));
  context.on('request', (request) => log(request.url()));
  page.on('pageerror', (error) => { throw error; });
  page.on('console', (message) => { if (message.type() === 'error') throw new Error(`the console says: ${message.text()}`); });
  await page.goto(place(path));
  return page;
}

const ready = (page) => page.waitForFunction(() => document.getElementById('about').textContent !== '');
const verdict = (page) => page.locator('#verdict').textContent();
const scope = (page) => page.locator('#scope').textContent();

async function choose(page, side, kind, paths) {
  await page.locator(`#${side} [data-input="${kind}"]`).setInputFiles(paths);
}

/** A page with evidence (a folder, or a list of files) and trusted files. */
async function filled(browser, evidence, trusted) {
  const page = await open(browser);
  await ready(page);
  await choose(page, 'evidence', typeof evidence === 'string' ? 'folder' : 'files', evidence);
  await choose(page, 'trusted', 'files', trusted);
  await page.locator('#trusted select').nth(trusted.length - 1).waitFor();
  return page;
}

async function moment(page, text) {
  await page.locator('#now').fill(text);
}

async function run(page) {
  await page.locator('#audit:enabled').click();
  await page.locator('#result:not([hidden])').waitFor({ timeout: 300_000 });
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { iframes: false }));
  assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`), [], `axe in the state ${what}`);
}

async function shoot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** Files from the desktop, as the browser gets them. */
async function drop(page, side, paths) {
  const box = await page.locator(`#${side} .drop`).boundingBox();
  const at = { x: box.x + 20, y: box.y + 20 };
  const tools = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) await tools.send('Input.dispatchDragEvent', { type, ...at, data });
}

async function saved(page, text) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#downloads a', { hasText: text }).click()]);
  return [download.suggestedFilename(), readFileSync(await download.path())];
}

const tests = {
  async 'a good bundle is accepted, and its report is the program\'s'(browser) {
    const page = await open(browser);
    await ready(page);
    assert.ok(await page.locator('#audit').isDisabled());
    await accessible(page, 'start');
    await shoot(page, 'start');
    await choose(page, 'evidence', 'folder', given.evidence);
    await choose(page, 'trusted', 'files', [join(given.trusted, 'policy.toml'), join(given.trusted, 'key.pem')]);
    await page.locator('#trusted select').first().waitFor();
    await moment(page, given.now);
    await accessible(page, 'chosen');
    await shoot(page, 'chosen');
    await run(page);
    assert.equal(await verdict(page), 'ACCEPTED');
    assert.match(await scope(page), /policy\.toml/);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'result');
    await page.waitForFunction(() => Math.abs(document.getElementById('result').getBoundingClientRect().top) < 40);
    await accessible(page, 'accepted');
    await shoot(page, 'accepted');
    const arguments_ = ['audit', 'evidence', '--policy', 'policy.toml', '--now', `${given.now}Z`, '--threads', '1'];
    spawnSync('cp', [join(given.trusted, 'policy.toml'), join(given.trusted, 'key.pem'), top]);
    for (const [word, file, text] of [['json', 'report.json', 'JSON'], ['html', 'report.html', 'HTML'], ['markdown', 'report.md', 'Markdown'],
      ['csv', 'report.csv', 'CSV'], ['sarif', 'report.sarif', 'SARIF'], ['oscal', 'report.oscal.json', 'OSCAL']]) {
      const { status } = spawnSync(native, [...arguments_, '--report', `${word}=native-${file}`], { cwd: top });
      assert.equal(status, 0);
      const [name, bytes] = await saved(page, text);
      assert.equal(name, `${given.name}.as-of-2026-03-10T000000Z.accept.${file}`);
      assert.ok(bytes.equals(readFileSync(join(top, `native-${file}`))), `${file} is the program's`);
      if (word === 'json') assert.match(await page.locator('#digest').textContent(), new RegExp(createHash('sha256').update(bytes).digest('hex')));
    }
    const [name, archive] = await saved(page, 'All formats');
    assert.equal(name, `${given.name}.as-of-2026-03-10T000000Z.accept.report.zip`);
    writeFileSync(join(top, name), archive);
    const unpacked = spawnSync('python3', ['-m', 'zipfile', '-t', join(top, name)]);
    assert.equal(unpacked.status, 0, `${unpacked.stdout}${unpacked.stderr}`);
    // The report in the frame has its style, and no script runs there.
    const frame = page.frameLocator('#frame iframe');
    assert.equal(await frame.locator('.result').first().evaluate((node) => getComputedStyle(node).borderLeftStyle), 'solid');
    assert.ok(!(await page.locator('#frame iframe').getAttribute('sandbox')).includes('allow-scripts'));
    await page.emulateMedia({ media: 'print' });
    assert.ok(await page.locator('.paper').isVisible());
    await shoot(page, 'accepted-print');
    await page.context().close();
  },

  async 'folders and files are dropped'(browser) {
    const page = await open(browser);
    await ready(page);
    await drop(page, 'evidence', [given.evidence]);
    await page.locator('#evidence .list li').first().waitFor();
    await drop(page, 'trusted', [join(given.trusted, 'policy.toml'), join(given.trusted, 'key.pem')]);
    await page.locator('#trusted select').nth(1).waitFor();
    await moment(page, given.now);
    await run(page);
    assert.equal(await verdict(page), 'ACCEPTED');
    await page.context().close();
  },

  async 'a policy takes no key from the evidence'(browser) {
    const page = await filled(browser, [join(given.evidence, given.bundle), join(given.trusted, 'key.pem')], [join(given.trusted, 'policy.toml')]);
    await moment(page, given.now);
    await run(page);
    assert.equal(await verdict(page), 'NO VERDICT');
    assert.match(await scope(page), /key\.pem/);
    await shoot(page, 'no-verdict');
    await accessible(page, 'no verdict');
    await page.context().close();
  },

  async 'another key rejects'(browser) {
    const page = await filled(browser, given.evidence, [join(given.wrong, 'other.pem')]);
    await run(page);
    assert.equal(await verdict(page), 'REJECTED');
    assert.match(await page.locator('#screen').textContent(), /manifest-signature/);
    await shoot(page, 'wrong-key');
    await accessible(page, 'rejected');
    await page.context().close();
  },

  async 'altered, cut off and old bundles'(browser) {
    for (const [evidence, trusted, now, word] of [[given.altered, given.trusted, given.now, 'REJECTED'], [given.broken, given.trusted, given.now, 'NO VERDICT'],
      [given.evidence, given.aged, '2026-12-01T00:00:00', 'REJECTED'], [given.evidence, given.aged, given.now, 'ACCEPTED']]) {
      const page = await filled(browser, evidence, [join(trusted, 'policy.toml'), join(trusted, 'key.pem')]);
      await moment(page, now);
      await run(page);
      assert.equal(await verdict(page), word, evidence);
      await page.context().close();
    }
  },

  async 'a replaced file is reported'(browser) {
    const page = await filled(browser, given.evidence, [join(given.trusted, 'key.pem')]);
    assert.equal(await page.locator('.replaced').count(), 0);
    await choose(page, 'trusted', 'files', [given.swapped]);
    assert.match(await page.locator('#trusted .replaced').textContent(), /same name: key\.pem\./);
    await page.context().close();
  },

  async 'a verdict is hidden as soon as a choice changes'(browser) {
    const page = await filled(browser, given.evidence, [join(given.trusted, 'policy.toml'), join(given.trusted, 'key.pem')]);
    await moment(page, given.now);
    await page.locator('summary', { hasText: 'More' }).click();
    const result = page.locator('#result');
    const changes = {
      moment: () => moment(page, '2026-03-11T00:00:00'),
      reference: () => page.locator('#reference').fill('2026/117'),
      evidence: () => choose(page, 'evidence', 'folder', given.altered),
      pin: () => page.locator('#pin').fill(`sha256:${'0'.repeat(64)}`),
      'no pin': () => page.locator('#pin').fill(''),
      require: () => page.locator('#require input[value="image"]').check(),
      'an image in the evidence': () => choose(page, 'evidence', 'files', [given.image]),
      image: () => page.locator('#image').selectOption({ index: 1 }),
      'a case in the evidence': () => choose(page, 'evidence', 'files', [given.case]),
      what: () => page.locator('#what').selectOption({ index: 1 }),
      'what again': () => page.locator('#what').selectOption({ index: 0 }),
      'a key of the same name and size': () => choose(page, 'trusted', 'files', [given.swapped]),
      role: () => page.locator('#trusted select').first().selectOption({ index: 1 }),
      trusted: () => page.locator('#trusted .sum button').click(),
    };
    for (const [what, change] of Object.entries(changes)) {
      await run(page);
      assert.ok(await result.isVisible(), what);
      await change();
      await result.waitFor({ state: 'hidden', timeout: 5_000 });
      assert.match(await page.locator('#missing').textContent(), /audit again|no verdict|Choose a different role/, what);
    }
    await page.context().close();
  },

  async 'a case of 2026 in 2036'(browser) {
    const page = await filled(browser, [given.case], [join(given.aged, 'policy.toml'), join(given.aged, 'key.pem')]);
    await moment(page, '2036-03-10T00:00:00');
    await run(page);
    // Ten years are more than the 90 days that the policy allows.
    assert.equal(await verdict(page), 'REJECTED');
    assert.match(await page.locator('#screen').textContent(), /build-age/);
    await moment(page, given.now);
    await run(page);
    assert.equal(await verdict(page), 'ACCEPTED');
    const names = await page.locator('a.save').evaluateAll((links) => links.map((link) => link.download));
    assert.ok(names.length === 8 && names.every((name) => name.startsWith('case-2026.as-of-2026-03-10T000000Z.accept.report.')), names.join(', '));
    await shoot(page, 'case');
    // With the sealer's key, the case is evaluated as of its own time, which cannot be changed.
    await page.locator('#trusted .sum button').click();
    await choose(page, 'trusted', 'files', [join(given.wrong, 'sealer.pem')]);
    await page.locator('#now:disabled').waitFor();
    assert.equal(await page.locator('#now').inputValue(), '', 'no time but the case\'s own is shown');
    await run(page);
    assert.equal(await verdict(page), 'ACCEPTED');
    await shoot(page, 'case-by-seal');
    await accessible(page, 'case');
    await page.context().close();
  },

  async 'several bundles, each with its own report'(browser) {
    const page = await filled(browser, given.many, [join(given.trusted, 'key.pem')]);
    await moment(page, given.now);
    await run(page);
    assert.equal(await verdict(page), 'REJECTED');
    assert.equal(await page.locator('#bundles li').count(), 3);
    await page.locator('#bundles button').nth(1).click();
    await page.frameLocator('#frame iframe').locator('.refused').first().waitFor();
    await shoot(page, 'many');
    await accessible(page, 'many');
    const [, bytes] = await saved(page, 'JSON');
    spawnSync('cp', [join(given.trusted, 'key.pem'), top]);
    const { stdout } = spawnSync(native, ['audit', 'many', '--key', 'key.pem', '--now', `${given.now}Z`, '--format', 'json'], { cwd: top });
    assert.ok(bytes.equals(stdout), 'the report on all of them is the program\'s');
    await page.context().close();
  },

  async 'the self-test'(browser) {
    const page = await open(browser);
    await ready(page);
    await page.locator('footer summary').click();
    await page.locator('#self-test').click();
    await page.waitForFunction(() => /of \d+ cases/.test(document.getElementById('self-test-result').textContent), null, { timeout: 60_000 });
    const [, good, all] = (await page.locator('#self-test-result').textContent()).match(/(\d+) of (\d+) cases/);
    assert.equal(good, all);
    await accessible(page, 'self-test');
    await shoot(page, 'self-test');
    await page.context().close();
  },

  async 'keys alone: from choosing to the report'(browser) {
    const page = await open(browser);
    await ready(page);
    for (const [side, files] of [['evidence', [join(given.evidence, given.bundle)]], ['trusted', [join(given.trusted, 'key.pem')]]]) {
      const button = page.locator(`#${side} [data-choose="files"]`);
      const asked = page.waitForEvent('filechooser');
      await button.press('Enter');
      await (await asked).setFiles(files);
      await page.locator(`#${side} .list li`).first().waitFor();
    }
    await page.locator('#reference').focus();
    await page.keyboard.type('2026/117');
    await page.keyboard.press('Enter');
    await page.locator('#result:not([hidden])').waitFor();
    assert.equal(await verdict(page), 'ACCEPTED IN PART');
    assert.match(await page.frameLocator('#frame iframe').locator('body').textContent(), /2026\/117/);
    await page.context().close();
  },

  async 'dark and narrow'(browser) {
    for (const [name, settings] of [['dark', { colorScheme: 'dark' }], ['narrow', { viewport: { width: 380, height: 800 } }]]) {
      const page = await open(browser, pagePath, settings);
      await ready(page);
      await accessible(page, `${name} start`);
      await choose(page, 'evidence', 'folder', given.evidence);
      await choose(page, 'trusted', 'files', [join(given.trusted, 'policy.toml'), join(given.trusted, 'key.pem')]);
      await page.locator('#trusted select').first().waitFor();
      await shoot(page, `${name}-chosen`);
      await moment(page, given.now);
      await run(page);
      await accessible(page, name);
      await shoot(page, name);
      const [width, most] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(width <= most, `${name}: the page is ${width} wide in ${most}`);
      await page.context().close();
    }
  },

  async 'a module with imports is not run, memory can end, a trap is no verdict'(browser) {
    const text = readFileSync(pagePath, 'utf8');
    const variant = (name, module) => {
      const packed = gzipSync(module).toString('base64');
      const path = join(top, `${name}.html`);
      writeFileSync(path, text.replace(/(<script type="text\/plain"[^>]*>)[^<]*/, `$1${packed}`));
      return path;
    };
    for (const [name, module, reason] of [['importing', importing, /imports browser functions/], ['without-memory', withoutMemory, /memory is exhausted/],
      ['trapping', trapping, /ended early: .*unreachable/]]) {
      const page = await open(browser, variant(name, module));
      await page.locator('#stop:not([hidden])').waitFor();
      assert.match(await page.locator('#stop').textContent(), reason);
      assert.match(await page.locator('#stop').textContent(), /There is no verdict/);
      assert.ok(await page.locator('#audit').isDisabled());
      await shoot(page, `stopped-${name}`);
      await accessible(page, `stopped ${name}`);
      await page.context().close();
    }
    // A changed script is not run.
    const other = join(top, 'other.html');
    writeFileSync(other, text.replace("'use strict';", "'use strict' ;"));
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(place(other));
    assert.equal(await page.locator('#now').inputValue(), '');
    await context.close();
  },

  async 'a browser without WebAssembly is told so'() {
    const browser = await launch(['--js-flags=--jitless']);
    const page = await open(browser);
    await page.locator('#stop:not([hidden])').waitFor();
    assert.match(await page.locator('#stop').textContent(), /does not run WebAssembly/);
    await shoot(page, 'stopped-jitless');
    await browser.close();
  },

  async 'a bundle of 29 MB'(browser) {
    if (!big) return console.log('     left out: --big FOLDER was not given');
    const page = await open(browser);
    await ready(page);
    const names = spawnSync('ls', [big]).stdout.toString().split('\n');
    await choose(page, 'evidence', 'files', [join(big, names.find((name) => name.endsWith('.sig.tbz')))]);
    await choose(page, 'trusted', 'files', [join(big, 'key.pem')]);
    await page.locator('#trusted select').waitFor();
    const began = Date.now();
    await page.locator('#audit:enabled').click();
    await page.waitForFunction(() => /^(reads|audits)/.test(document.querySelector('#jobs .state')?.textContent ?? ''));
    await shoot(page, 'progress');
    await page.locator('#result:not([hidden])').waitFor({ timeout: 300_000 });
    console.log(`     ${((Date.now() - began) / 1000).toFixed(1)} s from the button to the report`);
    assert.equal(await verdict(page), 'ACCEPTED IN PART');
    const again = page.locator('#audit:enabled');
    await again.click();
    await page.locator('#cancel:visible').click();
    await page.locator('#result:not([hidden])').waitFor();
    assert.equal(await verdict(page), 'NO VERDICT');
    assert.match(await scope(page), /You stopped the audit/);
    await shoot(page, 'stopped-by-auditor');
    return page.context().close();
  },
};

const wanted = option('--only');
const chosen = Object.entries(tests).filter(([name]) => !wanted || name.includes(wanted));
const browser = await launch();
console.log(`Chromium ${browser.version()}`);
await runTests(Object.fromEntries(chosen), { browser, requests, top });
