// Shared by the trials: a temporary folder, child processes that are ended with the trial, one line per case.
// A trial is a script in scripts/trials that calls `trial` for each case and `end` at its end.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..', '..');
/** `node` with this path is `inkhorn`. */
export const program = join(root, 'dist', 'src', 'cli', 'main.js');
/** The folder for everything that a trial writes; removed at its end. */
export const folder = mkdtempSync(join(tmpdir(), `inkhorn-${basename(process.argv[1], '.mjs')}-`));

const counts = { passed: 0, failed: 0, skipped: 0 };
/** The processes still running. */
const children = new Set();

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => process.exit(1));

/**
 * Runs a case. `skip`: the reason why it cannot run here, if any. The result of `act` is printed beside its
 * name.
 */
export async function trial(name, act, skip = null) {
  if (skip !== null) {
    counts.skipped++;
    console.log(`skipped: ${name}: ${skip}`);
    return;
  }
  try {
    const remark = await act();
    counts.passed++;
    console.log(`passed: ${name}${remark === undefined ? '' : ` (${remark})`}`);
  } catch (error) {
    counts.failed++;
    const message = error instanceof assert.AssertionError ? error.message : error.stack;
    console.log(`FAILED: ${name}: ${message.trim().replaceAll('\n', '\n    ')}`);
  }
}

/** Prints the summary and ends the process. */
export function end() {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  process.exit(counts.failed > 0 ? 1 : 0);
}

/** Why a case cannot run because a program is missing; null if it can. */
export function lacks(command) {
  const { status } = spawnSync('sh', ['-c', `command -v ${command}`]);
  return status === 0 ? null : `there is no ${command} here`;
}

/** The longest wait, unless a case says otherwise: none is about speed. */
const PATIENCE_MS = 600_000;

/**
 * Starts a program. `ended` resolves to its exit code or signal and its output; `says(pattern)` resolves when
 * the output matches. A program that never ends is killed, and its case fails.
 */
export function start(file, args, { env, patience = PATIENCE_MS, ...options } = {}) {
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
    ...options,
    env: environment(env),
  });
  children.add(child);
  const said = { out: '', err: '' };
  const listeners = new Set();
  for (const [stream, name] of [
    [child.stdout, 'out'],
    [child.stderr, 'err'],
  ]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      said[name] += text;
      for (const listen of listeners) listen();
    });
    stream?.on('error', () => {});
  }
  const ended = new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new Error(
          `it did not end within ${patience / 1000} s; the last that it said: ${said.err.slice(-300)}`,
        ),
      );
    }, patience);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ code, signal, ...said });
    });
  });
  ended.catch(() => {}); // the caller who awaits it gets the error
  const says = (pattern) => {
    const match = new Promise((resolve) => {
      const listen = () => {
        if (!pattern.test(said.out) && !pattern.test(said.err)) return;
        listeners.delete(listen);
        resolve();
      };
      listeners.add(listen);
      listen();
    });
    const early = ended.then(({ code, signal, err }) =>
      assert.fail(`it ended (${signal ?? code}) and never said ${pattern}: ${err.slice(-500)}`),
    );
    return Promise.race([match, early]);
  };
  return { child, ended, says };
}

/** Starts `inkhorn args...`. */
export function inkhorn(args, options) {
  return start(process.execPath, [program, ...args], options);
}

/** Runs a line of bash, in which `ink` is the command. */
export function bash(line, options) {
  return start('bash', ['-c', `ink() { "$NODE" "$INKHORN" "$@"; }; ${line}`], options).ended;
}

function environment(more) {
  const own = {
    NODE: process.execPath,
    INKHORN: program,
    INKHORN_CACHE: join(folder, 'cache'),
    NO_COLOR: '1',
  };
  return { ...process.env, ...own, ...more };
}

/**
 * Asserts how a program ended: with one of `codes` (numbers, or names of signals), and without a stack trace
 * or a crash.
 */
export function assertEnded(ended, ...codes) {
  const { code, signal, err } = ended;
  assert.ok(
    codes.includes(signal ?? code),
    `it ended with ${signal ?? code}, not ${codes.join(' or ')}: ${err.slice(-1000)}`,
  );
  assert.doesNotMatch(err, /^\s+at .*:\d+:\d+/m, `a stack trace: ${err.slice(-1000)}`);
  return ended;
}

/** Names in a folder that a command uses internally while it writes. */
export function leftovers(path) {
  return readdirSync(path, { recursive: true }).filter((name) => basename(name).startsWith('.'));
}

/** Sleeps. */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Writes a text from which a small model can learn something. Returns its path. */
export function writeText(name, bytes) {
  const who = ['the cat', 'a dog', 'the old clerk', 'my aunt', 'a tall ship', 'the moon'];
  const what = ['sat on', 'looked at', 'ran past', 'sold', 'forgot', 'dreamt of'];
  const lines = [];
  for (let i = 0, length = 0; length < bytes; i++) {
    const at = (list, n) => list[n % list.length];
    const line = `${at(who, i * 5 + (i >> 2))} ${at(what, i * 7 + (i >> 3))} ${at(who, i * 11 + 3)}, ${i} times.\n`;
    lines.push(line);
    length += line.length;
  }
  const path = join(folder, name);
  writeFileSync(path, lines.join(''));
  return path;
}

/** Flags of a model that trains in seconds. */
export const SMALL =
  '--preset tiny --vocab-size 280 --block-size 16 --n-layer 1 --n-embd 16 --n-head 2 --batch-size 2 --warmup 0 --probe-every 0 --sample-every 0'.split(
    ' ',
  );
