// Starts jobs with the `mpirun` of this machine, if there is one.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** The `mpirun` of Open MPI, and why jobs cannot be started: false if they can. */
export const openMpi: { command: string; skip: string | false } = find();

function find(): { command: string; skip: string | false } {
  for (const command of ['mpirun.openmpi', 'mpirun']) {
    try {
      const version = execFileSync(command, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      if (!version.includes('Open MPI')) continue;
      createRequire(import.meta.url).resolve('koffi');
      return { command, skip: false };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND')
        return { command: '', skip: 'the package koffi is not installed' };
    }
  }
  return { command: '', skip: 'no mpirun of Open MPI is installed' };
}

/** A job: the arguments of `inkhorn` for each group of ranks. */
export interface MpiJob {
  groups: readonly { ranks: number; args: readonly string[] }[];
  env?: NodeJS.ProcessEnv;
  /** Arguments of Node. */
  node?: readonly string[];
  /** Arguments of mpirun. */
  mpirun?: readonly string[];
  /** The command that runs mpirun; see two-machines.ts. */
  through?: readonly string[];
  /** Called with what rank 0 has said so far, and the process of mpirun. */
  watch?: (stdout: string, mpirun: number) => void;
}

export interface MpiResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The lines that Inkhorn says went wrong. */
  errors: string[];
}

/** No job of a test takes longer. */
const LIMIT_MS = 180_000;

/** Runs a job to its end. */
export async function mpirun({
  groups,
  env,
  node = [],
  mpirun: more = [],
  through = [],
  watch,
}: MpiJob): Promise<MpiResult> {
  const lines = groups.map(({ ranks, args }) => [
    '-n',
    String(ranks),
    process.execPath,
    ...node,
    program,
    ...args,
  ]);
  const args = [
    '--oversubscribe',
    '--bind-to',
    'none',
    ...more,
    ...lines.flatMap((line, i) => (i ? [':', ...line] : line)),
  ];
  const root = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  // A rank that dies gives the others so many seconds until SIGTERM, and again until SIGKILL.
  const patience = { OMPI_MCA_odls_base_sigkill_timeout: '5' };
  const [command, ...rest] = [...through, openMpi.command, ...args];
  const child = spawn(command, rest, {
    env: { ...process.env, ...root, ...patience, NO_COLOR: '1', INKHORN_DEBUG: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (part: Buffer) => {
    said.stdout += part.toString();
    watch?.(said.stdout, child.pid as number);
  });
  child.stderr.on('data', (part: Buffer) => {
    said.stderr += part.toString();
  });
  const [code] = await once(child, 'close');
  const errors = said.stderr.split(/\r?\n/).filter((line) => line.startsWith('inkhorn: '));
  return { code, ...said, errors };
}
