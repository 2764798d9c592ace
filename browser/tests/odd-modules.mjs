// Small faulty WebAssembly modules: one has an import, one has no memory to allocate, and one has a `run` that traps.

const section = (id, ...bytes) => [id, bytes.length, ...bytes];
const name = (text) => [text.length, ...Buffer.from(text)];
const body = (...code) => [code.length + 2, 0, ...code, 0x0b];
const [END_OF_MEMORY, HERE, TRAP, NOTHING] = [[0x41, 0], [0x41, 16], [0x00], []];

function module({ imports = [], allocate, run }) {
  // Types: (i32) -> i32, () -> (), () -> i32. Functions: allocate, run, answer.
  const types = section(1, 3, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 0, 0, 0x60, 0, 1, 0x7f);
  const imported = imports.length > 0 ? section(2, 1, ...name('env'), ...name(imports[0]), 0, 1) : [];
  const first = imports.length;
  const exports = section(7, 4, ...name('memory'), 2, 0, ...name('allocate'), 0, first, ...name('run'), 0, first + 1, ...name('answer'), 0, first + 2);
  const code = section(10, 3, ...body(...allocate), ...body(...run), ...body(...END_OF_MEMORY));
  return Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...types, ...imported, ...section(3, 3, 0, 1, 2), ...section(5, 1, 0, 1), ...exports, ...code]);
}

export const importing = module({ imports: ['send'], allocate: HERE, run: NOTHING });
export const withoutMemory = module({ allocate: END_OF_MEMORY, run: NOTHING });
export const trapping = module({ allocate: HERE, run: TRAP });
