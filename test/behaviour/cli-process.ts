// Runs the compiled command line in a process of its own, as a shell would.
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { flagName } from '../../src/base/shell.ts';
import type { Answer } from './cli-batch.ts';

const compiled = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The lines of stderr that are errors. All others are remarks. */
  errors: string[];
}

/**
 * Runs `inkhorn args...` in the folder `cwd`, with `input` on its standard input. Also returns stdout as
 * bytes.
 */
export async function inkhorn(
  cwd: string,
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<Result & { bytes: Buffer }> {
  const { code, out, err } = await node(cwd, [compiled('../../src/cli/main.js'), ...args], input);
  const stderr = err.toString();
  return { code, stdout: out.toString(), bytes: out, stderr, errors: errorsIn(stderr) };
}

/**
 * As `inkhorn`, without standard input, in a process that all such command lines of a folder share, one after
 * another; see cli-batch.ts.
 */
export async function inkhornShared(
  cwd: string,
  args: readonly string[],
): Promise<Result & { bytes: Buffer }> {
  const { code, stdout, stderr } = await sharedOf(cwd)(args);
  const [out, err] = [Buffer.from(stdout, 'base64'), Buffer.from(stderr, 'base64').toString()];
  return { code, stdout: out.toString(), bytes: out, stderr: err, errors: errorsIn(err) };
}

/** Runs many command lines one after another in one process. */
export async function inkhornBatch(cwd: string, lines: readonly (readonly string[])[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const line of lines) results.push(await inkhornShared(cwd, line));
  return results;
}

const withoutPng = new Set<string>();

/** The PNG files of command lines in this folder, in the process that they share, stay empty: no-png.ts. */
export function drawNoPng(cwd: string): void {
  withoutPng.add(cwd);
}

/** Arguments of Node for a program that draws no PNG files. */
export const NO_PNG: readonly string[] = ['--import', new URL('no-png.js', import.meta.url).href];

type Ask = (args: readonly string[]) => Promise<Answer>;

const shared = new Map<string, Ask>();

/** The process of a folder, which ends with this one. */
function sharedOf(cwd: string): Ask {
  const known = shared.get(cwd);
  if (known) return known;
  const child = fork(compiled('cli-batch.js'), {
    cwd,
    env: envOf(cwd),
    execArgv: [...process.execArgv, ...(withoutPng.has(cwd) ? NO_PNG : [])],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  const rest = (): void => {
    child.unref();
    child.channel?.unref();
  };
  child.on('message', (answer: Answer) => {
    waiting.shift()?.resolve(answer);
    if (waiting.length === 0) rest();
  });
  child.on('exit', (code, signal) => {
    shared.delete(cwd);
    for (const { reject } of waiting) reject(new Error(`the shared process ended: ${code ?? signal}`));
  });
  const ask: Ask = (args) =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.ref();
      child.channel?.ref();
      child.send([...args]);
    });
  shared.set(cwd, ask);
  return ask;
}

function errorsIn(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('inkhorn: '));
}

function envOf(cwd: string): NodeJS.ProcessEnv {
  return { ...process.env, INKHORN_CACHE: `${cwd}/cache`, NO_COLOR: '1', INKHORN_DEBUG: '' };
}

function node(
  cwd: string,
  args: readonly string[],
  input: string | Uint8Array,
): Promise<{ code: number | null; out: Buffer; err: Buffer }> {
  const child = spawn(process.execPath, args, { cwd, env: envOf(cwd) });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => err.push(part));
  child.stdin.on('error', () => {}); // a command that does not read it
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err) }));
  });
}

/** Commands in a folder, each written as a line. */
export function linesIn(folder: () => string): {
  run(line: string): Promise<Result>;
  /** Of a command that succeeds. */
  good(line: string): Promise<Result>;
  /** The one line of a command that fails. */
  bad(line: string): Promise<string>;
} {
  const run = (line: string): Promise<Result> => inkhornShared(folder(), line.split(' '));
  return {
    run,
    async good(line) {
      const result = await run(line);
      assert.equal(result.code, 0, `${line}: ${result.stderr}`);
      return result;
    },
    async bad(line) {
      const result = await run(line);
      assert.notEqual(result.code, 0, line);
      assert.equal(result.errors.length, 1, result.stderr);
      return result.errors[0];
    },
  };
}

/** Options as flags: `{ nLayer: 2 }` is `--n-layer 2`. */
export function flagsOf(options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [flagName(name), String(value)]);
}

/** The JSON lines of stdout. */
export function jsonLines<T>({ stdout }: Result): T[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** A text for tests: sentences from which a small model can learn something. */
export function sentences(count: number): string {
  const who = ['the cat', 'a dog', 'the old clerk', 'my aunt', 'a tall ship', 'the moon'];
  const what = ['sat on', 'looked at', 'ran past', 'sold', 'forgot', 'dreamt of'];
  const pick = (list: readonly string[], n: number): string => list[n % list.length];
  return Array.from(
    { length: count },
    (_, i) =>
      `${pick(who, i * 5 + (i >> 2))} ${pick(what, i * 7 + (i >> 3))} ${pick(who, i * 11 + 3)}, ${i} times.\n`,
  ).join('');
}
