'use strict';

// The page around the module: it reads files, runs the module and shows its answer. It decides nothing.
// Text is only ever set as text, never parsed as HTML; the report's HTML goes into a frame in which no script runs.

const $ = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};
const megabytes = (bytes) => (bytes < 100e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const count = (number, word) => `${number} ${word}${number === 1 ? '' : 's'}`;

// ---- The module -----------------------------------------------------------------------------------------------------------------------

let program = null;

async function load() {
  if (typeof WebAssembly !== 'object') {
    throw new Error('This browser does not run WebAssembly here. A policy that turns off just-in-time compilation often causes this. '
      + 'Use a different browser or the program.');
  }
  if (typeof DecompressionStream !== 'function') {
    throw new Error('This browser is too old for this page: Chrome or Edge 91, Firefox 113, Safari 16.4 or newer is needed.');
  }
  const packed = Uint8Array.from(atob($('module').textContent), (letter) => letter.charCodeAt(0));
  const bytes = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
  const module = await WebAssembly.compile(bytes).catch((error) => {
    throw new Error(`This browser cannot compile the module of this page: ${error.message}. Chrome or Edge 91, Firefox 113, Safari 16.4 or newer is needed.`);
  });
  if (WebAssembly.Module.imports(module).length > 0) {
    throw new Error('The module in this page imports browser functions, which is not allowed, so it is not run.');
  }
  program = module;
}

// The code of a worker. Each worker answers one question in separate memory, which is freed with the worker.
function worker() {
  const piece = 4 << 20;
  const answerOf = (exports) => {
    const place = exports.answer() >>> 0;
    // An empty response has no address.
    if (place < 8) return null;
    const view = new DataView(exports.memory.buffer);
    const [text, behind] = [view.getUint32(place, true), view.getUint32(place + 4, true)];
    const says = JSON.parse(new TextDecoder().decode(new Uint8Array(exports.memory.buffer, place + 8, text)));
    let at = place + 8 + text;
    if (behind !== (says.files || []).reduce((sum, file) => sum + file.size, 0)) throw new Error('the answer is truncated');
    for (const file of says.files || []) {
      file.bytes = new Uint8Array(exports.memory.buffer, at, file.size).slice();
      at += file.size;
    }
    return says;
  };
  onmessage = async ({ data: { module, question, contents } }) => {
    const stop = (why) => postMessage({ stopped: why });
    let exports;
    const size = () => Math.ceil(exports.memory.buffer.byteLength / 1e6);
    const exhausted = () => `The memory is exhausted: the audit used ${size()} MB, and a browser allows at most 4,294 MB. `
      + 'The largest bundle that this page can audit has an estimated size of 1 GB, or less on a small computer. Use the program for larger bundles.';
    try {
      exports = (await WebAssembly.instantiate(module, {})).exports;
    } catch (error) {
      stop(`The module does not start: ${error.message}`);
      return;
    }
    const all = [new Blob([JSON.stringify(question)]), ...contents];
    for (const [index, content] of all.entries()) {
      const place = exports.allocate(content.size) >>> 0;
      if (place === 0) {
        stop(exhausted());
        return;
      }
      try {
        for (let from = 0; from < content.size; from += piece) {
          const bytes = new Uint8Array(await content.slice(from, from + piece).arrayBuffer());
          if (from + bytes.length !== Math.min(from + piece, content.size)) throw new Error('it is truncated.');
          new Uint8Array(exports.memory.buffer, place + from, bytes.length).set(bytes);
          if (index > 0) postMessage({ read: bytes.length });
        }
      } catch (error) {
        const name = content.name || 'A file';
        stop(`${name} cannot be read: ${error.message} Was it changed, moved or deleted since you chose it?`);
        return;
      }
    }
    postMessage({ running: true });
    try {
      exports.run();
      const says = answerOf(exports);
      if (!says) throw new Error('the module gave no answer');
      if (says.defect) stop(`The page sent a malformed request: ${says.defect}`);
      else postMessage({ says }, (says.files || []).map((file) => file.bytes.buffer));
    } catch (error) {
      let defect = null;
      try {
        defect = answerOf(exports)?.defect;
      } catch {
        // No answer can be read: only the trap is known.
      }
      if (defect) stop(`The program has a defect: ${defect}`);
      else if (error instanceof WebAssembly.RuntimeError && size() > 1000) stop(exhausted());
      else stop(`The audit ended early: ${error.message}. It used ${size()} MB of memory.`);
    }
  };
}
const workerPlace = URL.createObjectURL(new Blob([`'use strict';(${worker})();`], { type: 'text/javascript' }));
const running = new Set();

// Runs the module. `contents` are blobs in the order of the question's names.
function ask(question, contents = [], hear = () => {}) {
  return new Promise((resolve, reject) => {
    const one = new Worker(workerPlace);
    const end = (then) => (value) => {
      one.terminate();
      running.delete(one);
      then(value);
    };
    one.stop = end(() => reject(new Error('You stopped the audit.')));
    running.add(one);
    one.onmessage = ({ data }) => {
      if (data.says) end(resolve)(data.says);
      else if (data.stopped) end(reject)(new Error(data.stopped));
      else hear(data);
    };
    one.onerror = (event) => end(reject)(new Error(`The worker ended: ${event.message || 'the browser gives no reason'}.`));
    one.postMessage({ module: program, question, contents });
  });
}

// ---- Evidence and trusted files, whose names are kept separate ----------------------------------------------------------------------------

const sides = { evidence: new Map(), trusted: new Map() };
// The names of files that the last addition to a side replaced.
const replaced = { evidence: [], trusted: [] };
// Counts added and removed files. It shows that the files changed, which names, sizes and times may not show.
let changes = 0;
const cases = new Set();
const roles = new Map();
const chosenRoles = new Map();
const policies = new Map();

const isBundle = (name) => name.endsWith('.sig.tbz');
const folderOf = (name) => name.slice(0, name.lastIndexOf('/') + 1);

// The names and files of a file or folder, from its handle (Chromium) or entry (Firefox, Safari).
async function filesOf(item, folder = '') {
  const name = folder + item.name;
  const each = async (items) => (await Promise.all(items.map((one) => filesOf(one, `${name}/`)))).flat();
  if (item.kind === 'file') return [[name, await item.getFile()]];
  if (item.kind === 'directory') {
    const items = [];
    for await (const one of item.values()) items.push(one);
    return each(items);
  }
  if (item.isFile) return [[name, await new Promise((resolve, reject) => item.file(resolve, reject))]];
  const [reader, items] = [item.createReader(), []];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return each(items);
    items.push(...some);
  }
}

async function add(side, found) {
  replaced[side] = found.map(([name]) => name).filter((name) => sides[side].has(name)).sort();
  for (const [name, file] of found) {
    sides[side].set(name, file);
    changes++;
    if (side === 'evidence') {
      // A case is a tar file that begins with case.json. The module checks this again.
      const start = name.endsWith('.tar') ? await file.slice(0, 265).text() : '';
      if (start.startsWith('case.json\0') && start.slice(257, 262) === 'ustar') cases.add(name);
      else cases.delete(name);
    } else {
      roles.set(name, await guess(name, file));
      chosenRoles.delete(name);
    }
  }
  show();
}

function clear(side) {
  sides[side].clear();
  replaced[side] = [];
  changes++;
  for (const known of side === 'evidence' ? [cases] : [roles, chosenRoles, policies]) known.clear();
  show();
  document.querySelector(`#${side} [data-choose]`).focus();
}

const ROLES = [
  ['policy', 'Policy'],
  ['key', 'Key of a build server'],
  ['approvals', 'Approvals'],
  ['seal_key', 'Key of a sealer, for a case'],
  ['tsa_ca', 'CA of time-stamps, for a case'],
  ['signature', 'Signature of the approvals'],
  ['named', 'Named by the policy'],
  ['rest', 'Not used by itself'],
];

// The probable role of a trusted file. The auditor sees it and can choose a different role.
async function guess(name, file) {
  const text = file.size < 1e6 ? await file.text() : '';
  if (name.endsWith('.toml')) {
    policies.set(name, text);
    return 'policy';
  }
  if (/\.(csv|json)$/.test(name)) return 'approvals';
  if (text.includes('BEGIN CERTIFICATE')) return 'tsa_ca';
  // SubjectPublicKeyInfo of Ed25519 has 44 bytes: a person's key, never a build server's.
  if (/BEGIN PUBLIC KEY-----\s*MCowBQYDK2Vw/.test(text)) return 'seal_key';
  if (text.includes('BEGIN PUBLIC KEY')) return 'key';
  return name.endsWith('.sig') ? 'signature' : 'rest';
}

function roleOf(name) {
  if (chosenRoles.has(name)) return chosenRoles.get(name);
  const role = roles.get(name);
  const own = name.slice(folderOf(name).length);
  const isNamed = [...policies.values()].some((text) => text.includes(own));
  const hasPolicy = [...roles.values()].includes('policy');
  // A file that a policy refers to is read with the policy. Without a case, a key for seals or a CA for time-stamps has no use. A case contains its
  // own approvals.
  const isIdle = { approvals: caseChosen(), seal_key: !caseChosen() || hasPolicy, tsa_ca: !caseChosen() }[role];
  if (role !== 'policy' && isNamed) return 'named';
  return isIdle ? 'rest' : role;
}
const withRole = (role) => [...sides.trusted.keys()].filter((name) => roleOf(name) === role).sort();

// ---- The page before an audit -----------------------------------------------------------------------------------------------------------

const bundlesChosen = () => [...sides.evidence.keys()].filter(isBundle).sort();
const caseChosen = () => (cases.has($('what').value) ? $('what').value : null);

function options(select, list) {
  const before = select.value;
  select.replaceChildren(...list.map(([value, text]) => make('option', { value, textContent: text })));
  if (list.some(([value]) => value === before)) select.value = before;
}

function show() {
  const bundles = bundlesChosen();
  const what = [...cases].sort().map((name) => [name, `The case ${name}`]);
  if (bundles.length > 0) what.unshift(['', bundles.length === 1 ? 'The bundle' : `All ${bundles.length} bundles`]);
  options($('what'), what.length > 0 ? what : [['', '']]);
  $('what-field').hidden = what.length < 2;
  const archives = [...sides.evidence.keys()].filter((name) => name.endsWith('.tar') && !cases.has(name)).sort();
  options($('image'), [['', 'As found next to the bundle'], ...archives.map((name) => [name, name])]);
  showList('evidence', [...bundles, ...[...cases].sort()]);
  showList('trusted', [...sides.trusted.keys()].sort());
  showTerms();
}

// The files of a side: lists important files by name, and counts all others.
function showList(side, named) {
  const list = document.querySelector(`#${side} .list`);
  const files = [...sides[side].values()];
  // Every trusted file has a role, which the auditor must see.
  const most = side === 'trusted' ? named.length : 12;
  const row = (name) => make('li', {},
    make('span', { textContent: `${name} ` }, make('small', { textContent: megabytes(sides[side].get(name).size) })),
    ...(side === 'trusted' ? [roleSelect(name)] : []));
  const rest = files.length - Math.min(named.length, most);
  const remove = make('button', { type: 'button', textContent: 'Remove all', onclick: () => clear(side) });
  remove.setAttribute('aria-label', `Remove all files from ${side === 'evidence' ? 'the evidence' : 'what you trust'}`);
  list.replaceChildren(
    make('div', { className: 'sum' },
      make('span', { textContent: `${count(files.length, 'file')}, ${megabytes(files.reduce((sum, file) => sum + file.size, 0))}` }), remove),
    make('ul', {}, ...named.slice(0, most).map(row),
      ...(rest > 0 ? [make('li', {}, make('small', { textContent: `and ${count(rest, 'other file')}` }))] : [])),
    ...replacedNote(side));
  list.hidden = files.length === 0;
}

// Files of the same name replace each other, which must not happen unnoticed.
function replacedNote(side) {
  const [first, ...others] = replaced[side];
  if (!first) return [];
  const more = others.length > 0 ? ` and ${count(others.length, 'other file')}` : '';
  return [make('p', { className: 'replaced', role: 'status', textContent: `Replaced by a file of the same name: ${first}${more}. To audit both, audit them one after the other.` })];
}

function roleSelect(name) {
  const select = make('select', {}, ...ROLES.map(([value, textContent]) => make('option', { value, textContent })));
  select.value = roleOf(name);
  select.dataset.name = name;
  select.setAttribute('aria-label', `Role of ${name}`);
  // The form's change listener then calls showTerms.
  select.onchange = () => chosenRoles.set(name, select.value);
  return select;
}

// Updates everything that depends on the choices: roles, the time of the audit, and the reason why the audit cannot start.
function showTerms() {
  for (const select of document.querySelectorAll('#trusted select')) select.value = roleOf(select.dataset.name);
  const bySeal = caseChosen() && withRole('seal_key').length > 0 && !hasOwn();
  const isJudgedNow = !caseChosen() || hasOwn();
  showMoment(isJudgedNow);
  $('now-hint').textContent = bySeal ? 'Taken from the case, which is evaluated as of its own time, with the sealer’s policy and keys.'
    : isJudgedNow ? 'The current time, unless you change it.' : 'The time applies after you add your own key or policy.';
  const [text, stops] = missing();
  $('audit').disabled = stops || !program || running.size > 0;
  // A verdict must not be shown next to choices that it does not apply to.
  const isStale = audited !== null && chosen() !== audited;
  if (isStale) hideResult();
  $('missing').textContent = text === '' && isStale ? 'You changed something since the last audit: audit again.' : text;
}

function hideResult() {
  $('result').hidden = true;
  document.title = 'hpsb-audit';
}

// The choices that determine the report, as text: `chosen()` returns the current choices, `audited` has those of the last audit. `today` is left out,
// because it is not a choice.
const chosen = () => JSON.stringify([changes, { ...flags(), today: null }, $('reference').value]);
let audited = null;

const pin = () => $('pin').value.trim();
const hasOwn = () => withRole('key').length > 0 || withRole('policy').length > 0 || pin() !== '';

// A sentence about what is missing, and whether this prevents the audit from starting.
function missing() {
  if (!program) return ['', true];
  if (sides.evidence.size === 0) {
    const isMisplaced = [...sides.trusted.keys()].some(isBundle);
    return [isMisplaced ? 'The bundle is on the side of what you trust: add it to the evidence.' : 'Add the evidence first.', true];
  }
  if (bundlesChosen().length === 0 && cases.size === 0) return ['The evidence contains no bundle (*.sig.tbz) and no case.', true];
  for (const [role, word] of ROLES.filter(([role]) => ['policy', 'approvals', 'seal_key'].includes(role))) {
    if (withRole(role).length > 1) return [`Two files have the role: ${word}. Choose a different role for one of them.`, true];
  }
  if (pin() !== '' && !/^sha256:[0-9a-f]{64}$/.test(pin())) return ['The fingerprint must be sha256: and 64 hexadecimal digits.', true];
  if ($('now').validity.badInput || (!$('now').disabled && $('now').value === '')) return ['Enter the time of the audit.', true];
  if (!hasOwn() && !(caseChosen() && withRole('seal_key').length > 0)) {
    return ['Without a key or policy that you trust, there is no verdict.', false];
  }
  const absent = notGiven();
  if (absent.length > 0) return [`The policy refers to ${absent.join(', ')}: also add this, or there may be no verdict.`, false];
  return ['', false];
}

// Missing files that the policy seems to refer to. The program decides; this is only an early hint.
function notGiven() {
  const names = withRole('policy').flatMap((policy) =>
    [...(policies.get(policy) ?? '').matchAll(/^[^#]*?"([^"\s]+\.(?:pem|pub|key|asc|gpg|crt|der|json))"/gm)].map(([, name]) => folderOf(policy) + name));
  return [...new Set(names)].filter((name) => !sides.trusted.has(name));
}

// ---- The question -----------------------------------------------------------------------------------------------------------------------

// The time in the field, if the auditor chose it.
let moment = null;
// A case that is evaluated with its own policy and keys (--seal-key) has its own time: the field must not show a different one.
function showMoment(isJudgedNow) {
  if ($('now').disabled !== isJudgedNow) return;
  $('now').disabled = !isJudgedNow;
  $('now').value = isJudgedNow ? moment ?? clock() : '';
}
const clock = () => new Date().toISOString().slice(0, 19);

function flags() {
  const own = caseChosen();
  const moment = `${$('now').value.length === 16 ? `${$('now').value}:00` : $('now').value.slice(0, 19)}Z`;
  return {
    paths: own ? [own] : paths(),
    key: [...withRole('key'), ...(pin() === '' ? [] : [pin()])],
    policy: withRole('policy')[0] ?? null,
    approvals: withRole('approvals')[0] ?? null,
    seal_key: withRole('seal_key')[0] ?? null,
    tsa_ca: withRole('tsa_ca'),
    require: [...document.querySelectorAll('#require input:checked')].map((box) => box.value),
    image: own ? null : $('image').value || null,
    now: $('now').disabled ? null : moment,
    today: `${clock()}Z`,
  };
}

// The paths that the auditor would pass on a command line: single bundles, and folders that contain bundles.
function paths() {
  const bundles = bundlesChosen();
  const loose = bundles.filter((name) => !name.includes('/'));
  const folders = bundles.filter((name) => name.includes('/')).map((name) => name.slice(0, name.indexOf('/')));
  return [...loose, ...new Set(folders)];
}

const FORMATS = ['text', 'html', 'json', 'markdown', 'csv', 'sarif', 'oscal'];
const empty = new Blob([]);

// The files for a question: all trusted files completely; of each evidence file, the content that `wholeOf` returns, or only the name.
function question(work, more, wholeOf) {
  const evidence = [...sides.evidence.keys()].sort();
  const trusted = [...sides.trusted.keys()].sort();
  const contents = [...evidence.map((name) => wholeOf(name, sides.evidence.get(name)) ?? empty), ...trusted.map((name) => sides.trusted.get(name))];
  return [{ work, evidence, trusted, ...more }, contents];
}

// The report on the chosen files. Each bundle has a separate worker, and a last worker assembles the report.
async function audit() {
  const terms = { formats: FORMATS, reference: $('reference').value.trim() || null, flags: flags() };
  if (caseChosen()) {
    const [asked, contents] = question('whole', terms, (name, file) => (name === caseChosen() ? file : null));
    const job = jobFor(caseChosen(), sides.evidence.get(caseChosen()).size);
    return job.follow(ask(asked, contents, job.hear));
  }
  const first = await ask(...question('list', terms, (name, file) => file.slice(0, 512)));
  if (!first.list) return first;
  const image = terms.flags.image;
  const jobs = first.list.map(({ path, files }) => {
    const own = new Set(files);
    const isWhole = (name) => own.has(name) || name === image;
    const size = [...sides.evidence].filter(([name]) => isWhole(name)).reduce((sum, [, file]) => sum + file.size, 0);
    return { path, isWhole, size, shown: jobFor(path, size) };
  });
  const pieces = new Array(jobs.length);
  let next = 0;
  const work = async () => {
    while (next < jobs.length) {
      const at = next++;
      const { path, isWhole, shown } = jobs[at];
      const asked = question('piece', { ...terms, piece: path }, (name, file) => (isWhole(name) ? file : null));
      const says = await shown.follow(ask(...asked, shown.hear));
      // Every listed bundle gets a report, and a refused request has no list. Any other answer is a fault.
      if (says.files[0]?.name !== 'piece') throw new Error('A bundle has no report.');
      pieces[at] = new Blob([says.files[0].bytes]);
    }
  };
  const many = jobs.some(({ size }) => size > 200e6) ? 1 : Math.min(navigator.hardwareConcurrency || 1, 4);
  await Promise.all(Array.from({ length: Math.min(many, jobs.length) }, work));
  const isKey = (name, file) => (/\.(pem|pub|key)$/.test(name) ? file.slice(0, 65537) : null);
  const [asked, contents] = question('finish', { ...terms, pieces: pieces.length }, isKey);
  return ask(asked, [...contents, ...pieces]);
}

// ---- Progress -----------------------------------------------------------------------------------------------------------------------------

function jobFor(name, size) {
  const state = make('span', { className: 'state', textContent: 'waits' });
  const bar = make('progress', { max: Math.max(size, 1), value: 0 });
  bar.setAttribute('aria-label', name);
  $('jobs').append(make('li', {}, make('span', { textContent: name }), state, bar));
  let read = 0;
  let timer = null;
  const hear = (data) => {
    if (data.read) {
      read = Math.min(read + data.read, size);
      bar.value = read;
      state.textContent = `reads ${megabytes(read)} of ${megabytes(size)}`;
    } else {
      const began = Date.now();
      bar.removeAttribute('value');
      const tick = () => { state.textContent = `audits, ${Math.round((Date.now() - began) / 1000)} s`; };
      tick();
      timer = setInterval(tick, 1000);
    }
  };
  const follow = async (answer) => {
    try {
      const says = await answer;
      state.textContent = 'is audited';
      return says;
    } catch (error) {
      state.textContent = 'has no verdict';
      throw error;
    } finally {
      clearInterval(timer);
      bar.max = 1;
      bar.value = 1;
    }
  };
  return { hear, follow };
}

// ---- The response -------------------------------------------------------------------------------------------------------------------------

const WORDS = { accept: 'ACCEPTED', 'accept-in-part': 'ACCEPTED IN PART', reject: 'REJECTED', none: 'NO VERDICT' };
const TITLES = {
  'report.html': 'HTML, to be filed', 'report.json': 'JSON', 'report.md': 'Markdown', 'report.csv': 'CSV', 'report.sarif': 'SARIF', 'report.oscal.json': 'OSCAL',
};
let places = [];

function link({ name, bytes }, textContent, start) {
  const href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  places.push(href);
  return make('a', { href, download: start + name.replace(/.*\//, ''), textContent, className: 'save' });
}

// The start of a saved report's name: reports on different bundles, times or verdicts must not replace each other.
function startOf(path, verdict) {
  const name = path.replace(/.*\//, '').replace(/^manifest\./, '').replace(/(\.sig\.tbz|\.tar)$/, '');
  const { now } = flags();
  const parts = [$('reference').value.trim().replace(/[^A-Za-z0-9._-]+/g, '-'), name, now && `as-of-${now.replaceAll(':', '')}`, verdict];
  return `${parts.filter(Boolean).join('.')}.`;
}

function showVerdict(verdict, lines) {
  $('result').className = verdict;
  $('verdict').textContent = WORDS[verdict];
  $('scope').replaceChildren(...lines.map((textContent) => make('p', { textContent })));
  document.title = `${WORDS[verdict]} – hpsb-audit`;
  $('result').hidden = false;
  $('result').focus({ preventScroll: true });
  // The report's frame has a height only after it is drawn.
  requestAnimationFrame(() => $('result').scrollIntoView({ block: 'start' }));
}

function showAnswer(says) {
  const files = new Map(says.files.map((file) => [file.name, file]));
  const text = new TextDecoder().decode(files.get('report.txt').bytes);
  const bundles = says.bundles;
  $('screen').textContent = text;
  const pages = bundles.length > 1 ? says.files.filter((file) => file.name.startsWith('report.html.bundles/')) : [files.get('report.html')];
  const saved = says.files.filter((file) => TITLES[file.name] && (file.name !== 'report.html' || pages.length === 1));
  // All bundles in a case have the same name: use the case's name instead.
  const start = startOf(caseChosen() ?? (bundles.length === 1 ? bundles[0].path : ''), says.verdict);
  $('downloads').replaceChildren(
    ...saved.map((file) => make('li', {}, link(file, TITLES[file.name], start))),
    make('li', {}, link({ name: 'report.zip', bytes: zip(says.files) }, pages.length > 1 ? 'All formats, including HTML (zip)' : 'All formats (zip)', start)));
  $('digest').textContent = `SHA-256 of report.json: ${files.get('report.json').sha256}`;
  $('bundles').replaceChildren(...bundles.map((bundle, at) => {
    const see = make('button', { type: 'button', textContent: 'Show report', onclick: () => showPage(pages[at], bundle.path, start, true) });
    see.setAttribute('aria-label', `Show report on ${bundle.path}`);
    const word = make('span', { className: 'word', textContent: WORDS[bundle.verdict] });
    const row = make('li', { className: bundle.verdict }, word, make('span', { textContent: bundle.path }), see);
    return row;
  }));
  $('bundles').hidden = bundles.length < 2;
  for (const id of ['saving', 'flags']) $(id).hidden = false;
  showPage(pages[0], bundles[0]?.path ?? 'the request', start, false);
  showVerdict(says.verdict, scopeOf(says));
}

// The scope of the verdict, and the reasons against acceptance: lines from the program.
function scopeOf({ error, bundles }) {
  if (error) return [error.message, error.hint];
  if (bundles.length === 1) {
    const [bundle] = bundles;
    if (bundle.error) return [bundle.error.message, bundle.error.hint];
    const at = bundle.headline.indexOf(': ');
    return [...(at < 0 ? [] : [bundle.headline.slice(at + 2)]), ...bundle.because];
  }
  const kinds = Object.keys(WORDS).map((verdict) => [bundles.filter((bundle) => bundle.verdict === verdict).length, WORDS[verdict].toLowerCase()]);
  return [`${count(bundles.length, 'bundle')}: ${kinds.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`).join(', ')}`];
}

// Shows the report in a new frame without scripts. The page's policy also applies in the frame and allows no style with a different digest, so the
// report's style is adopted as an object instead.
function showPage(file, name, start, isAsked) {
  const page = new TextDecoder().decode(file.bytes);
  const [, style] = page.match(/<style>([\s\S]*?)<\/style>/) ?? [null, ''];
  const frame = make('iframe', { title: `Report on ${name}`, sandbox: 'allow-same-origin allow-modals' });
  frame.srcdoc = page.replace(/<style>[\s\S]*?<\/style>/, '');
  frame.onload = () => {
    const sheet = new frame.contentWindow.CSSStyleSheet();
    sheet.replaceSync(style);
    frame.contentDocument.adoptedStyleSheets = [sheet];
    if (isAsked) frame.focus();
  };
  $('frame').replaceChildren(frame);
  $('frame-title').textContent = `The report on ${name}, to be filed`;
  const print = make('button', { type: 'button', textContent: 'Print the report', onclick: () => frame.contentWindow.print() });
  $('page-buttons').replaceChildren(print, link(file, 'Save the report', start));
  document.querySelector('.frame').hidden = false;
}

// There is no answer, so the page shows the reason, and no verdict or report.
function showStopped(reason) {
  for (const id of ['downloads', 'frame', 'bundles']) $(id).replaceChildren();
  for (const one of [document.querySelector('.frame'), $('saving'), $('flags')]) one.hidden = true;
  $('screen').textContent = `NO VERDICT\nbecause  ${reason}\n\nNothing was decided; treat the evidence as not accepted.`;
  showVerdict('none', [reason]);
}

// Files in a zip archive without compression (PKWARE APPNOTE 6.3.10, 4.3). The time is always the start of 1980.
function zip(files) {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  const checksum = (bytes) => ~bytes.reduce((sum, byte) => (sum >>> 8) ^ table[(sum ^ byte) & 255], ~0) >>> 0;
  const fields = (...list) => {
    const view = new DataView(new ArrayBuffer(list.reduce((sum, [size]) => sum + size, 0)));
    let at = 0;
    for (const [size, value] of list) {
      if (size === 2) view.setUint16(at, value, true);
      else view.setUint32(at, value, true);
      at += size;
    }
    return view.buffer;
  };
  const [parts, directory] = [[], []];
  let offset = 0;
  for (const { name, bytes } of files) {
    const own = new TextEncoder().encode(name);
    const common = [[2, 20], [2, 0x0800], [2, 0], [2, 0], [2, 0x21], [4, checksum(bytes)], [4, bytes.length], [4, bytes.length], [2, own.length], [2, 0]];
    const head = fields([4, 0x04034b50], ...common);
    parts.push(head, own, bytes);
    directory.push(fields([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), own);
    offset += head.byteLength + own.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.byteLength, 0);
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end]);
}

// ---- The auditor's actions ------------------------------------------------------------------------------------------------------------------

async function submit(event) {
  event.preventDefault();
  if (moment === null && !$('now').disabled) $('now').value = clock();
  audited = chosen();
  places.forEach((place) => URL.revokeObjectURL(place));
  places = [];
  $('jobs').replaceChildren();
  hideResult();
  $('progress').hidden = false;
  $('status').textContent = 'The audit is running.';
  $('cancel').hidden = false;
  $('audit').disabled = true;
  try {
    showAnswer(await audit());
  } catch (error) {
    [...running].forEach((one) => one.stop());
    showStopped(error.message);
  }
  $('progress').hidden = true;
  $('cancel').hidden = true;
  showTerms();
}

function listen(side) {
  const section = $(side);
  for (const button of section.querySelectorAll('[data-choose]')) {
    const input = section.querySelector(`[data-input="${button.dataset.choose}"]`);
    button.onclick = () => input.click();
    input.onchange = async () => {
      await add(side, [...input.files].map((file) => [file.webkitRelativePath || file.name, file]));
      input.value = '';
    };
  }
  section.ondragover = (event) => {
    event.preventDefault();
    section.classList.add('over');
  };
  section.ondragleave = (event) => {
    if (!section.contains(event.relatedTarget)) section.classList.remove('over');
  };
  section.ondrop = async (event) => {
    event.preventDefault();
    section.classList.remove('over');
    // All items are read at once, because they are no longer available after the first `await`.
    const items = [...event.dataTransfer.items].filter((item) => item.kind === 'file');
    const dropped = items.map((item) => (item.getAsFileSystemHandle ? item.getAsFileSystemHandle() : item.webkitGetAsEntry()));
    try {
      for (const item of await Promise.all(dropped)) await add(side, await filesOf(item));
    } catch (error) {
      $('missing').textContent = `The dropped files cannot be read: ${error.message} Use the buttons instead.`;
    }
  };
}

async function selfTest() {
  const result = $('self-test-result');
  result.hidden = false;
  result.textContent = 'The self-test is running.';
  try {
    result.textContent = (await ask({ work: 'self-test' })).text;
  } catch (error) {
    result.textContent = `The self-test did not finish: ${error.message}`;
  }
  showTerms();
}

async function begin() {
  $('now').value = clock();
  $('require').append(...['manifest', 'source', 'image', 'trust', 'builder'].map((group) =>
    make('label', {}, make('input', { type: 'checkbox', value: group }), group)));
  listen('evidence');
  listen('trusted');
  // A file that is dropped outside both sides must not replace the page.
  for (const kind of ['dragover', 'drop']) addEventListener(kind, (event) => event.preventDefault());
  $('now').oninput = () => { moment = $('now').value; showTerms(); };
  $('pin').oninput = showTerms;
  $('reference').oninput = showTerms;
  $('form').onchange = showTerms;
  $('form').onsubmit = submit;
  $('cancel').onclick = () => [...running].forEach((one) => one.stop());
  $('self-test').onclick = selfTest;
  show();
  try {
    await load();
    const { version, features } = await ask({ work: 'about' });
    const others = ['openpgp', 'sigstore'].filter((feature) => !features.includes(feature));
    $('about').textContent = `hpsb-audit ${version}${features.length > 0 ? `, with ${features.join(', ')}` : ''}`
      + `${others.length > 0 ? `; not built in: ${others.join(', ')}` : ''}. SHA-256 of the module, as written in this page: ${$('module').dataset.sha256}`;
  } catch (error) {
    program = null;
    $('stop').textContent = `${error.message} There is no verdict.`;
    $('stop').hidden = false;
  }
  showTerms();
}

begin();
