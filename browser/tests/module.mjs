// Runs the module in Node, as a worker of the page does.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const compiled = (path) => new WebAssembly.Module(readFileSync(path));

/** The answer, with the files' bytes. `contents` are in the question's order of names. */
export function ask(module, question, contents = []) {
  const { exports } = new WebAssembly.Instance(module, {});
  for (const content of [Buffer.from(JSON.stringify(question)), ...contents]) {
    const place = exports.allocate(content.length) >>> 0;
    if (place === 0) throw new Error('no memory');
    new Uint8Array(exports.memory.buffer, place, content.length).set(content);
  }
  const began = performance.now();
  let trap = null;
  try {
    exports.run();
  } catch (error) {
    trap = error;
  }
  const milliseconds = performance.now() - began;
  const place = exports.answer() >>> 0;
  // If there is no answer, only the trap is known.
  if (trap && place < 8) throw trap;
  const view = new DataView(exports.memory.buffer, place);
  const [text, behind] = [view.getUint32(0, true), view.getUint32(4, true)];
  const says = JSON.parse(Buffer.from(exports.memory.buffer, place + 8, text).toString());
  if (trap) throw new Error(`the module has a defect: ${says.defect}`);
  let at = place + 8 + text;
  for (const file of says.files ?? []) {
    file.bytes = Buffer.from(Buffer.from(exports.memory.buffer, at, file.size));
    at += file.size;
  }
  if (at !== place + 8 + text + behind) throw new Error('the answer has another length than it says');
  return { ...says, milliseconds, memory: exports.memory.buffer.byteLength };
}

/** The files below a folder, by their paths from there. */
export function filesBelow(folder, name = '') {
  return readdirSync(join(folder, name), { withFileTypes: true }).flatMap((entry) => {
    const own = name === '' ? entry.name : `${name}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(folder, own);
    return entry.isFile() ? [own] : [];
  });
}

/** One side of a question. */
export function side(folder, names) {
  return { names, contents: names.map((name) => readFileSync(join(folder, name))) };
}

/** Audits in one go. */
export function whole(module, evidence, trusted, terms) {
  return ask(module, { work: 'whole', evidence: evidence.names, trusted: trusted.names, ...terms }, [...evidence.contents, ...trusted.contents]);
}

/** Audits as the page does: a list, each bundle with its own files, and the pieces put together. */
export function inPieces(module, evidence, trusted, terms) {
  const put = (work, more, contents) =>
    ask(module, { work, evidence: evidence.names, trusted: trusted.names, ...terms, ...more }, contents);
  const { image, base = [], trust, builder } = terms.flags;
  const isGiven = (name) => [image, ...base, trust, builder].filter(Boolean).some((given) => {
    const place = given.replace(/^[a-z-]+:/, '').replace(/:.*/, '');
    return name === place || name.startsWith(`${place}/`);
  });
  const only = (isWhole, rest) => evidence.contents.map((content, at) => (isWhole(evidence.names[at]) ? content : content.subarray(0, rest)));
  const first = put('list', {}, [...only(isGiven, 512), ...trusted.contents]);
  if (!first.list) return first;
  const pieces = [];
  for (const { path, files } of first.list) {
    const own = new Set(files);
    const says = put('piece', { piece: path }, [...only((name) => own.has(name) || isGiven(name), 0), ...trusted.contents]);
    if (says.files[0].name !== 'piece') return says;
    pieces.push(says.files[0].bytes);
  }
  const isKey = (name) => /\.(pem|pub|key)$/.test(name) || isGiven(name);
  return put('finish', { pieces: pieces.length }, [...only(isKey, 0), ...trusted.contents, ...pieces]);
}

export const file = (says, name) => says.files?.find((one) => one.name === name)?.bytes;
