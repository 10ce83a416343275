// Whether this process was started by `mpirun`, and as which of how many. The launchers say so in the
// environment, before MPI is loaded: a process that is alone need not load it. Read next: mpi.ts.
import { hostname } from 'node:os';

/** What a launcher says about a process. */
export interface Launch {
  by: 'Open MPI' | 'MPICH';
  /** Whether it ends all processes when one fails. `srun` does not by itself. */
  endsAll: boolean;
  /** Number of this process, from 0 on. */
  rank: number;
  /** Number of processes. */
  size: number;
  /** Number of processes on this machine, and of this one among them. */
  localSize: number;
  localRank: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of each launcher. Hydra (MPICH, Intel MPI) and `srun --mpi=pmi2` say PMI, `srun --mpi=pmix`
 * PMIX.
 */
const LAUNCHERS = [
  {
    by: 'Open MPI',
    endsAll: true,
    rank: 'OMPI_COMM_WORLD_RANK',
    size: 'OMPI_COMM_WORLD_SIZE',
    localSize: 'OMPI_COMM_WORLD_LOCAL_SIZE',
    localRank: 'OMPI_COMM_WORLD_LOCAL_RANK',
  },
  {
    by: 'MPICH',
    endsAll: true,
    rank: 'PMI_RANK',
    size: 'PMI_SIZE',
    localSize: 'MPI_LOCALNRANKS',
    localRank: 'MPI_LOCALRANKID',
  },
  {
    by: 'Open MPI',
    endsAll: false,
    rank: 'PMIX_RANK',
    size: 'SLURM_STEP_NUM_TASKS',
    localSize: 'SLURM_NTASKS_PER_NODE',
    localRank: 'SLURM_LOCALID',
  },
] as const;

/** The launch of this process; null when nobody launched it as one of several. */
export function launchOf(env: Environment = process.env): Launch | null {
  for (const { by, endsAll, ...names } of LAUNCHERS) {
    const [rank, size] = [wholeNumber(env[names.rank]), wholeNumber(env[names.size])];
    if (rank === null || size === null || rank >= size) continue;
    const [localSize, localRank] = [wholeNumber(env[names.localSize]), wholeNumber(env[names.localRank])];
    return { by, endsAll, rank, size, localSize: localSize ?? 1, localRank: localRank ?? 0 };
  }
  return null;
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/**
 * Threads for each of the processes on this machine: its share of `cores`, and no more than the cores that it
 * may use (`allowed`): `mpirun` binds each of one or two processes to one core, unless `--bind-to none`.
 */
export function threadsPerRank({ localSize }: Launch, cores: number, allowed: number): number {
  return Math.max(1, Math.min(allowed, Math.floor(cores / localSize)));
}

/** Milliseconds in which a launcher ends this process if the first one has failed, too. */
const PATIENCE_MS = 10_000;

/**
 * Waits while the first process says what went wrong, if it went wrong at all of them: the first to end with
 * an exit code other than 0 ends the others, by signals that Node can see or cannot. Open MPI 5 does that so
 * fast that nobody would have spoken. Resolves to whether this process failed alone, and has to speak.
 */
export function letFirstSpeak({ endsAll }: Pick<Launch, 'endsAll'>): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (alone: boolean): void => {
      clearTimeout(patience);
      for (const signal of SIGNALS) process.off(signal, ended);
      resolve(alone);
    };
    const ended = (): void => end(false);
    const patience = setTimeout(end, PATIENCE_MS, endsAll);
    for (const signal of SIGNALS) process.on(signal, ended);
  });
}

/** What Open MPI 4 sends, a second apart, when another process has failed. */
const SIGNALS = ['SIGCONT', 'SIGTERM'] as const;

/** An error of this process alone, with its name and that of its machine. */
export function atRank(message: string, rank: number, host: string = hostname()): string {
  return `rank ${rank} (${host}): ${message}`;
}
