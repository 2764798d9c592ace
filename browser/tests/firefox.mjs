// Tests the page in Debian's Firefox, opened from disk: choosing files, a verdict, the report, a case, and the self-test.
//
//   node firefox.mjs PAGE.html NATIVE [--screenshots FOLDER]
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runTests } from './run-tests.mjs';
import { states } from './states.mjs';

const [pagePath, native, ...rest] = process.argv.slice(2);
const shots = rest[0] === '--screenshots' ? rest[1] : null;
const require = createRequire(join(resolve(process.env.HPSB_NODE_MODULES ?? 'node_modules'), 'x.js'));
const puppeteer = require('puppeteer-core');
const top = mkdtempSync(join(tmpdir(), 'hpsb-audit-page-'));
const given = states(top, native);
const browser = await puppeteer.launch({ browser: 'firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr', headless: true });
const requests = [];

async function open() {
  const page = await browser.newPage();
  page.on('request', (request) => { if (!/^(file|blob|data|about):/.test(request.url())) requests.push(request.url()); });
  await page.goto(`file://${resolve(pagePath)}`);
  await page.waitForFunction(() => document.getElementById('about').textContent !== '');
  return page;
}

async function choose(page, side, paths) {
  const input = await page.$(`#${side} [data-input="files"]`);
  await input.uploadFile(...paths);
  await page.waitForSelector(`#${side} .list li`);
}

async function audit(page, now) {
  if (now) {
    await page.$eval('#now', (field, text) => {
      field.value = text;
      field.dispatchEvent(new Event('input'));
    }, now);
  }
  await page.click('#audit:enabled');
  await page.waitForSelector('#result:not([hidden])');
  return page.$eval('#verdict', (node) => node.textContent);
}

const tests = {
  async 'a good bundle, and its JSON'() {
    const page = await open();
    await choose(page, 'evidence', [join(given.evidence, given.bundle)]);
    await choose(page, 'trusted', [join(given.trusted, 'policy.toml'), join(given.trusted, 'key.pem')]);
    assert.equal(await audit(page, given.now), 'ACCEPTED');
    const digest = await page.$eval('#digest', (node) => node.textContent);
    spawnSync('cp', [join(given.trusted, 'policy.toml'), join(given.trusted, 'key.pem'), join(given.evidence, given.bundle), top]);
    const json = spawnSync(native, ['audit', given.bundle, '--policy', 'policy.toml', '--now', `${given.now}Z`, '--format', 'json'], { cwd: top }).stdout;
    const expected = spawnSync('sha256sum', { input: json }).stdout.toString().slice(0, 64);
    assert.ok(digest.includes(expected), digest);
    const frame = await (await page.waitForSelector('#frame iframe')).contentFrame();
    assert.equal(await frame.$eval('.result', (node) => getComputedStyle(node).borderLeftStyle), 'solid');
    if (shots) {
      mkdirSync(shots, { recursive: true });
      await page.screenshot({ path: join(shots, 'firefox.png'), fullPage: true });
    }
    await page.close();
  },
  async 'another key rejects'() {
    const page = await open();
    await choose(page, 'evidence', [join(given.evidence, given.bundle)]);
    await choose(page, 'trusted', [join(given.wrong, 'other.pem')]);
    assert.equal(await audit(page), 'REJECTED');
    await page.close();
  },
  async 'a case with its own policy and keys'() {
    const page = await open();
    await choose(page, 'evidence', [given.case]);
    await choose(page, 'trusted', [join(given.wrong, 'sealer.pem')]);
    await page.waitForSelector('#now:disabled');
    assert.equal(await audit(page), 'ACCEPTED');
    await page.close();
  },
  async 'the self-test'() {
    const page = await open();
    await page.click('footer summary');
    await page.click('#self-test');
    await page.waitForFunction(() => /of \d+ cases/.test(document.getElementById('self-test-result').textContent), { timeout: 60_000 });
    const [, good, all] = (await page.$eval('#self-test-result', (node) => node.textContent)).match(/(\d+) of (\d+) cases/);
    assert.equal(good, all);
    await page.close();
  },
};

console.log(await browser.version());
await runTests(tests, { browser, requests, top });
