// Runs a peer on the same machine and reads the one JSON line that it prints.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What every peer reports. */
export interface PeerResult {
  /** Name and version. */
  peer: string;
  includes: string;
  /** Median of one repetition. */
  seconds: number;
  tokensPerSecond: number;
}

/** The interpreter for peers in Python. */
const PYTHON = process.env.INKHORN_PYTHON ?? 'python3';

/** Only `torch` so far. Throws one line when it is not on this machine. */
export async function runPeer(name: string, args: readonly string[], threads?: number): Promise<PeerResult> {
  if (name !== 'torch') throw new Error(`unknown peer ${name}: torch is the one there is`);
  // Compiled, this file is dist/bench/peers/run.js; the script stays in bench/peers.
  const script = fileURLToPath(new URL('../../../bench/peers/pytorch.py', import.meta.url));
  const given = threads === undefined ? [] : ['--threads', String(threads)];
  try {
    const { stdout } = await promisify(execFile)(PYTHON, [script, ...args, ...given]);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as PeerResult;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
    throw new Error(
      `${PYTHON} ${script}: ${said || (error as Error).message} (INKHORN_PYTHON names another interpreter)`,
    );
  }
}
