// Audits every fixture, and cases sealed from some of them, with the module and with the native program: the JSON must be identical, byte for
// byte, in one run and in pieces.
//
//   node fixtures.mjs MODULE.wasm NATIVE
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, compiled, file, filesBelow, inPieces, side, whole } from './module.mjs';

const [modulePath, native] = process.argv.slice(2);
const top = new URL('../../fixtures/', import.meta.url).pathname;
const module = compiled(modulePath);
const ALL_FORMATS = ['base-right', 'good-build-kit', 'image-good', 'root-ssh-enabled_fail', 'archive-byte-flipped_fail', 'archive-cut_fail'];
const faults = [];
const skipped = [];
let compared = 0;

const { features } = ask(module, { work: 'about' });

/** `args` of a fixture as flags of the question; `null` for one that the page does not offer. */
function flagsOf(args) {
  const flags = { key: [], require: [], base: [], limit: {} };
  for (let at = 0; at < args.length; at += 2) {
    const [flag, value] = [args[at].slice(2), args[at + 1]];
    if (flag === 'key' || flag === 'base') flags[flag].push(value);
    else if (flag === 'require') flags.require.push(...value.split(','));
    else if (flag === 'limit') {
      const [, name, number, unit] = value.match(/^(.*)=(\d+)([KMG]?)$/);
      flags.limit[name] = Number(number) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit);
    }
    else if (['policy', 'approvals', 'image', 'trust', 'builder', 'seal-key'].includes(flag)) flags[flag.replace('-', '_')] = value;
    else return null;
  }
  return flags;
}

function same(what, expected, says) {
  const found = file(says, 'report.json');
  if (!found) return faults.push(`${what}: ${JSON.stringify(says).slice(0, 200)}`);
  if (!found.equals(expected)) {
    const [one, other] = [expected.toString().split('\n'), found.toString().split('\n')];
    const at = one.findIndex((line, number) => line !== other[number]);
    faults.push(`${what}: expected ${one[at]}, found ${other[at]}`);
  }
  return undefined;
}

function compare(name, folder, paths, args, now) {
  const flags = flagsOf(args);
  if (!flags) return skipped.push(`${name}: ${args.join(' ')}`);
  const moment = now ? ['--now', now] : [];
  const { stdout } = spawnSync(native, ['audit', ...paths, ...args, ...moment, '--format', 'json', '--threads', '1'], { cwd: folder, maxBuffer: 1 << 30 });
  // A browser does not treat links as files; no fixture needs a link.
  const names = filesBelow(folder).sort();
  const evidence = side(folder, names);
  const trusted = side(folder, names.filter((one) => !one.endsWith('.sig.tbz')));
  const terms = { formats: ['json'], flags: { ...flags, paths, now, today: '2036-01-01T00:00:00Z' } };
  same(`${name} in one go`, stdout, whole(module, evidence, trusted, terms));
  if (!paths[0].endsWith('.tar')) same(`${name} in pieces`, stdout, inPieces(module, evidence, trusted, terms));
  compared++;
  return undefined;
}

/** All formats of one report, and the folder of pages: what the page saves is what the program writes. */
function formats(name, folder, paths, args, now) {
  const to = mkdtempSync(join(tmpdir(), 'hpsb-audit-formats-'));
  spawnSync(native, ['audit', ...paths, ...args, '--now', now, '--report-dir', join(to, 'reports'), '--threads', '1'], { cwd: folder });
  const names = filesBelow(folder).sort();
  const [evidence, trusted] = [side(folder, names), side(folder, names.filter((one) => !one.endsWith('.sig.tbz')))];
  const says = inPieces(module, evidence, trusted, { formats: ['text', 'html', 'json', 'markdown', 'csv', 'csv-bom', 'junit', 'sarif', 'sarif-all', 'oscal'],
    flags: { ...flagsOf(args), paths, now, today: now } });
  const written = filesBelow(join(to, 'reports')).filter((one) => !one.includes('.jsonl'));
  for (const one of written) {
    if (!file(says, one)?.equals(readFileSync(join(to, 'reports', one)))) faults.push(`${name}: ${one} differs`);
  }
  if (written.length < 10) faults.push(`${name}: only ${written.join(', ')}`);
  rmSync(to, { recursive: true });
}

function fixture(name) {
  const folder = join(top, name);
  const text = readFileSync(join(folder, 'case.toml'), 'utf8');
  const args = JSON.parse(text.match(/^args = (\[[^\]]*\])/m)?.[1] ?? '[]');
  const now = text.match(/^now = "(.*)"/m)[1];
  const bundles = readdirSync(folder).filter((one) => one.endsWith('.sig.tbz')).sort();
  compare(name, folder, bundles.length > 0 ? bundles : ['.'], args, now);
  if (bundles.length > 1 || ALL_FORMATS.includes(name)) formats(name, folder, bundles, args, now);
}

/** Cases, each audited with the reader's own key, and with the sealer's key (that is, with the case's own policy and keys). */
function cases(names) {
  const folder = mkdtempSync(join(tmpdir(), 'hpsb-audit-cases-'));
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(folder, 'sealer.key')]);
  execFileSync('openssl', ['pkey', '-in', join(folder, 'sealer.key'), '-pubout', '-out', join(folder, 'sealer.pem')]);
  for (const name of names) {
    const [from, case_] = [join(top, name), join(folder, `${name}.tar`)];
    const bundle = readdirSync(from).find((one) => one.endsWith('.sig.tbz'));
    const text = readFileSync(join(from, 'case.toml'), 'utf8');
    const args = JSON.parse(text.match(/^args = (\[[^\]]*\])/m)[1]);
    const sealed = spawnSync(native, ['seal', bundle, ...args, '--now', '2026-03-10T00:00:00Z', '--output', case_, '--sign-key', join(folder, 'sealer.key')], { cwd: from });
    if (!existsSync(case_)) faults.push(`${name}: not sealed: ${sealed.stderr}`);
    execFileSync('cp', [join(from, 'key.pem'), folder]);
    const audited = (args, now) => compare(`case of ${name} ${args.join(' ')} ${now ?? ''}`, folder, [`${name}.tar`], args, now);
    audited(['--key', 'key.pem'], '2036-03-10T00:00:00Z');
    audited(['--seal-key', 'sealer.pem']);
    rmSync(case_);
  }
  rmSync(folder, { recursive: true });
}

const names = readdirSync(top).filter((name) => existsSync(join(top, name, 'case.toml'))).sort();
names.forEach(fixture);
cases(['good-build-kit', 'base-right', 'root-ssh-enabled_fail', 'archive-byte-flipped_fail'].filter((name) => names.includes(name)));
console.log(`${compared} audits compared: ${names.length} fixtures, 8 of cases; features of the module: ${features.join(', ') || 'none'}`);
skipped.forEach((line) => console.log(`not compared: ${line}`));
faults.forEach((line) => console.log(`DIFFERS: ${line}`));
process.exit(faults.length === 0 && compared > 700 ? 0 : 1);
