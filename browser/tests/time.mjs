// Measures a large bundle alternately in the module (Node) and in the native program on one thread.
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

// With a different key, the outer archive is decoded, hashed and refused; with the right key, the whole audit runs.
for (const [what, key, goal] of [['decoding (another key)', 'other.pem', 1.3], ['the audit', 'key.pem', 2]]) {
  const [ours, theirs] = [[], []];
  let memory = 0;
  for (let round = 0; round < 5; round++) {
    // The native program also finds the keys next to the bundle.
    const evidence = side(folder, [bundle, 'key.pem', 'other.pem']);
    const before = process.cpuUsage().user;
    const says = whole(module, evidence, side(folder, [key]), { formats: ['json'], flags: { paths: [bundle], key: [key], now, today: now } });
    ours.push([says.milliseconds, (process.cpuUsage().user - before) / 1000]);
    memory = says.memory;
    const began = performance.now();
    const command = [native, 'audit', bundle, '--key', key, '--now', now, '--threads', '1', '--format', 'json'].map((word) => `'${word}'`).join(' ');
    const { stdout, stderr } = spawnSync('bash', ['-c', `TIMEFORMAT=%U; time ${command}`], { cwd: folder, maxBuffer: 1 << 28 });
    theirs.push([performance.now() - began, Number(stderr.toString().trim().split('\n').at(-1)) * 1000]);
    if (!file(says, 'report.json').equals(stdout)) throw new Error('the reports differ');
  }
  const [wall, processor] = [0, 1].map((at) => [ours, theirs].map((rounds) => median(rounds.map((round) => round[at]))));
  const words = ([one, other]) => `${(one / 1000).toFixed(2)} s, native ${(other / 1000).toFixed(2)} s, ratio ${(one / other).toFixed(2)}`;
  console.log(`${what} (goal ${goal}): wall ${words(wall)}; processor ${words(processor)}; memory ${(memory / 1e6).toFixed(0)} MB`);
}
