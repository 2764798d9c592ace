// The page's inputs: evidence and trusted files in states that an auditor may encounter.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fixtures = new URL('../../fixtures/', import.meta.url).pathname;
const bundleIn = (folder) => readdirSync(folder).find((name) => name.endsWith('.sig.tbz'));

/** Makes the folders below `top`. `native` seals the case. */
export function states(top, native) {
  const good = join(fixtures, 'base-right');
  const bundle = bundleIn(good);
  const folder = (name) => {
    mkdirSync(join(top, name), { recursive: true });
    return join(top, name);
  };
  const copy = (from, to, name) => copyFileSync(join(fixtures, from), join(to, name));
  const evidence = folder('evidence');
  copy(`base-right/${bundle}`, evidence, bundle);
  const trusted = folder('trusted');
  copy('base-right/key.pem', trusted, 'key.pem');
  copy('base-right/policy.toml', trusted, 'policy.toml');
  const aged = folder('aged');
  copy('base-right/key.pem', aged, 'key.pem');
  writeFileSync(join(aged, 'policy.toml'), readFileSync(join(good, 'policy.toml'), 'utf8').replace('[expect]', '[expect]\nmax-age = "90d"'));
  const wrong = folder('wrong');
  execFileSync('openssl', ['genpkey', '-quiet', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', join(wrong, 'private')]);
  execFileSync('openssl', ['pkey', '-in', join(wrong, 'private'), '-pubout', '-out', join(wrong, 'other.pem')]);
  // A key file in which one character differs.
  const swapped = join(folder('swapped'), 'key.pem');
  writeFileSync(swapped, readFileSync(join(good, 'key.pem'), 'latin1').replace(/A(?=.{5}\n)/, 'B'));
  const image = join(top, 'image.tar');
  writeFileSync(image, Buffer.alloc(1024));
  const altered = folder('altered');
  copy(`archive-byte-flipped_fail/${bundleIn(join(fixtures, 'archive-byte-flipped_fail'))}`, altered, bundle);
  const broken = folder('broken');
  writeFileSync(join(broken, bundle), readFileSync(join(good, bundle)).subarray(0, 900));
  const many = folder('many');
  for (const [name, from] of [['first', 'base-right'], ['second', 'root-ssh-enabled_fail'], ['third', 'good-build-kit']]) {
    copy(`${from}/${bundleIn(join(fixtures, from))}`, folder(`many/${name}`), bundle);
  }
  const sealed = folder('case');
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(wrong, 'sealer.key')]);
  execFileSync('openssl', ['pkey', '-in', join(wrong, 'sealer.key'), '-pubout', '-out', join(wrong, 'sealer.pem')]);
  const made = spawnSync(native, ['seal', join(evidence, bundle), '--policy', join(aged, 'policy.toml'), '--now', '2026-03-10T00:00:00Z', '--output',
    join(sealed, 'case-2026.tar'), '--sign-key', join(wrong, 'sealer.key'), '--retain-until', '2037-01-01']);
  if (made.status !== 0) throw new Error(`the case was not sealed: ${made.stdout}${made.stderr}`);
  return { bundle, name: bundle.replace(/^manifest\.|\.sig\.tbz$/g, ''), evidence, trusted, aged, wrong, altered, broken, many, swapped, image, case: join(sealed, 'case-2026.tar'), now: '2026-03-10T00:00:00' };
}
