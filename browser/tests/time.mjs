// A large bundle in the module (Node) and in the native program on one thread, by turns.
//
//   node time.mjs MODULE.wasm NATIVE FOLDER
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { compiled, file, side, whole } from './module.mjs';

const [modulePath, native, folder] = process.argv.slice(2);
const module = compiled(modulePath);
const bundle = readdirSync(folder).find((name) => name.endsWith('.sig.tbz'));
const now = '2026-03-10T00:00:00Z';
const median = (list) => list.sort((one, other) => one - other)[Math.floor(list.length / 2)];

// With another key the outer archive is decoded, hashed and refused; with the right one everything is done.
for (const [what, key, goal] of [['decoding (another key)', 'other.pem', 1.3], ['the audit', 'key.pem', 2]]) {
  const [ours, theirs] = [[], []];
  let memory = 0;
  for (let round = 0; round < 5; round++) {
    const evidence = side(folder, [bundle]);
    const says = whole(module, evidence, side(folder, [key]), { formats: ['json'], flags: { paths: [bundle], key: [key], now, today: now } });
    ours.push(says.milliseconds);
    memory = says.memory;
    const began = performance.now();
    const { stdout } = spawnSync(native, ['audit', bundle, '--key', key, '--now', now, '--threads', '1', '--format', 'json'], { cwd: folder, maxBuffer: 1 << 28 });
    theirs.push(performance.now() - began);
    if (!file(says, 'report.json').equals(stdout)) throw new Error('the reports differ');
  }
  const ratio = median(ours) / median(theirs);
  console.log(`${what}: ${(median(ours) / 1000).toFixed(2)} s, native ${(median(theirs) / 1000).toFixed(2)} s, ratio ${ratio.toFixed(2)} (goal ${goal}); memory ${(memory / 1e6).toFixed(0)} MB`);
}
