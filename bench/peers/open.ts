// Peers are separate programs that alternate with ours. A peer prints one JSON line when it is ready, does
// its work once for every line that it receives, answers with the seconds, and at the end reports its memory.
// Read next: pytorch.py.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contestant } from '../support/contest.ts';

/** The interpreter for peers in Python. */
const PYTHON = process.env.INKHORN_PYTHON ?? 'python3';

/** Keeps Python from writing compiled files beside the scripts. */
const QUIET = { PYTHONDONTWRITEBYTECODE: '1' };

interface Program {
  command: string;
  /** In this folder. */
  script: string;
  env?: NodeJS.ProcessEnv;
}

const programs: Readonly<Record<string, Program>> = {
  torch: { command: PYTHON, script: 'pytorch.py', env: { ...QUIET, ...keptMemory() } },
  gpt2: { command: PYTHON, script: 'pytorch_gpt2.py', env: { ...QUIET, ...keptMemory() } },
  inkhorn: { command: process.execPath, script: '../../dist/bench/peers/inkhorn.js' },
  onnxruntime: { command: process.execPath, script: 'onnxruntime/main.mjs' },
  tokenizers: { command: PYTHON, script: 'hf_tokenizers.py', env: QUIET },
};

/** The peers of a program: those that are installed, opened, and one line for each that is not. */
export interface Peers {
  found: Contestant[];
  missing: string[];
}

/**
 * Opens the requested peers. `work` lists, by peer, the arguments of each contestant. Throws when a peer is
 * not in `work`. A peer that is not installed goes into `missing`, with how to install it.
 */
export async function openPeers(
  names: readonly string[],
  work: Readonly<Record<string, readonly (readonly string[])[]>>,
): Promise<Peers> {
  const unknown = names.find((name) => !(name in work));
  if (unknown !== undefined)
    throw new Error(`--peer ${unknown}: the peers here are ${Object.keys(work).join(', ')}`);
  const peers: Peers = { found: [], missing: [] };
  for (const name of new Set(names)) {
    try {
      for (const args of work[name]) peers.found.push(await openPeer(name, args));
    } catch (error) {
      peers.missing.push(`${name} is left out: ${(error as Error).message}`);
    }
  }
  return peers;
}

/** The first line of a peer. */
interface Ready {
  peer: string;
  includes: string;
  amount: number;
}

async function openPeer(name: string, args: readonly string[]): Promise<Contestant> {
  const { command, script, env } = programs[name];
  // The compiled file is dist/bench/peers/open.js; the scripts stay in bench/peers.
  const path = fileURLToPath(new URL(`../../../bench/peers/${script}`, import.meta.url));
  const child = spawn(command, [path, ...args, '--turns'], { env: { ...process.env, ...env } });
  child.stdin.on('error', () => {}); // it has ended: the missing answer reports that
  const answer = answers(child, command);
  const { peer, includes, amount } = (await answer()) as Ready;
  return {
    name: peer,
    includes,
    amount,
    async turn(): Promise<number> {
      child.stdin.write('\n');
      return ((await answer()) as { seconds: number }).seconds;
    },
    async close(): Promise<number> {
      child.stdin.end();
      return ((await answer()) as { peakMB: number }).peakMB;
    },
  };
}

/**
 * A function that resolves to the next line of JSON. Rejects with the last line of stderr when the peer ends.
 */
function answers(child: ChildProcess, command: string): () => Promise<unknown> {
  let complaint = '';
  child.stderr?.on('data', (data: Buffer) => {
    complaint = `${complaint}${data}`.slice(-2000);
  });
  const failed = once(child, 'error').then(([error]: Error[]) => {
    throw new Error(`${command} does not run: ${error.message} (INKHORN_PYTHON names another Python)`);
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return async () => {
    const next = await Promise.race([lines.next(), failed]);
    if (!next.done) return JSON.parse(next.value);
    throw new Error(complaint.trim().split('\n').at(-1) || `${command} ended without an answer`);
  };
}

/**
 * For PyTorch, which returns the memory of each tensor to the system and requests it again in every step: an
 * allocator that keeps it, in huge pages, if jemalloc is installed (Debian: libjemalloc2). INKHORN_JEMALLOC
 * names it elsewhere.
 */
function keptMemory(): NodeJS.ProcessEnv {
  const places = [
    '/usr/lib/x86_64-linux-gnu/libjemalloc.so.2',
    '/usr/lib/aarch64-linux-gnu/libjemalloc.so.2',
  ];
  const library = [process.env.INKHORN_JEMALLOC, ...places].find((path) => path && existsSync(path));
  if (!library) return {};
  return { LD_PRELOAD: library, MALLOC_CONF: 'thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1' };
}
