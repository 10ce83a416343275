// A command as one of the processes that `mpirun` started. Rank 0 speaks and writes; what goes wrong at any
// rank before the training is said once and ends all. Read next: ../distributed/meeting.ts.
import { createHash } from 'node:crypto';
import { availableParallelism, cpus } from 'node:os';
import { formatAmount } from '../base/format.ts';
import { atRank, type Launch, launchOf, letFirstSpeak, threadsPerRank } from '../distributed/launcher.ts';
import { meet, RankError } from '../distributed/meeting.ts';
import { openMpi } from '../distributed/mpi.ts';
import { type MpiRanks, mpiRanks } from '../distributed/mpi-ranks.ts';
import { namedParameters } from '../nn/parameters.ts';
import { identityOf } from '../tokens/format.ts';
import { withoutThreads } from '../train/engines.ts';
import { checkRankCount } from '../train/pairwise.ts';
import { asked, MisuseError, QuietError } from './errors.ts';
import type { Flags } from './flags.ts';
import { inFlags } from './option-names.ts';
import type { Output } from './output.ts';
import type { RunPlan } from './training.ts';
import { packageVersion } from './version.ts';
import { createColors } from './view/ink.ts';

/** A job of several processes, as one of them sees it. */
export interface Job {
  ranks: MpiRanks;
  /** Whether this process writes and speaks. */
  first: boolean;
  /** Does `work` at one rank after the other: for what is written once and read by all. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Before the training: throws at all ranks unless all have the same plan. Resolves to the number of
   * machines.
   */
  begin(plan: RunPlan): Promise<number>;
  /** After a training that ended by itself, at all ranks. */
  end(): void;
}

/**
 * How far a process is: alone in what it does, in step with the others, past the training, out of the job.
 */
type Stage = 'preparing' | 'training' | 'ended' | 'left';

/**
 * Calls `work` with the job that this process belongs to, or with null. Ends together with the other
 * processes; if this one fails, or is interrupted, it ends them.
 */
export async function asRank(flags: Flags, work: (job: Job | null) => Promise<void>): Promise<void> {
  const launch = launchOf();
  if (launch === null || launch.size === 1) return work(null);
  await asked(() => checkRankCount(launch.size)); // others cannot even talk to each other
  const ranks = await join(launch);
  const at: { stage: Stage } = { stage: 'preparing' };
  process.once('exit', (code) => {
    if (at.stage !== 'left') ranks.abort(code === 0 ? 1 : code);
  });
  const own = await work(jobOf(ranks, at)).then(
    () => null,
    (error: unknown) => inFlags(error, flags) as Error,
  );
  if (at.stage === 'training') {
    if (own === null) return;
    throw ranks.rank === 0 || own instanceof QuietError
      ? own
      : new Error(atRank(own.message, ranks.rank, ranks.host));
  }
  const failure = at.stage === 'preparing' && !(own instanceof RankError) ? await report(ranks, own) : own;
  const code = await ranks.leave(failure === null ? 0 : codeOf(failure));
  at.stage = 'left';
  if (ranks.rank === 0) return throwIf(failure);
  if (code === 0) return;
  await letFirstSpeak(launch);
  throw new QuietError(code);
}

function throwIf(failure: Error | null): void {
  if (failure) throw failure;
}

function codeOf(error: Error): number {
  if (error instanceof RankError || error instanceof QuietError) return error.code;
  return error instanceof MisuseError ? 2 : 1;
}

/** Tells the others what went wrong here. Returns what rank 0 says of it. */
async function report(ranks: MpiRanks, own: Error | null): Promise<Error> {
  const failure = own ?? new Error('the command ended before its training');
  try {
    const problem = { message: failure.message, code: codeOf(failure) };
    await meet(ranks, { facts: {}, problem });
    return failure;
  } catch (error) {
    // Its own words are kept, with their kind.
    return (error as Error).message === failure.message ? failure : (error as Error);
  }
}

/** Joins the others. Of what is missing on a machine, its first process speaks. */
async function join(launch: Launch): Promise<MpiRanks> {
  try {
    return mpiRanks(await openMpi(launch));
  } catch (error) {
    if (launch.rank === 0) throw error;
    if (launch.localRank > 0 && !(await letFirstSpeak(launch))) throw new QuietError(1);
    throw new Error(atRank((error as Error).message, launch.rank));
  }
}

function jobOf(ranks: MpiRanks, at: { stage: Stage }): Job {
  return {
    ranks,
    first: ranks.rank === 0,
    async inTurn<T>(work: () => Promise<T>): Promise<T> {
      let result: T | undefined;
      for (let rank = 0; rank < ranks.size; rank++) {
        if (rank === ranks.rank) result = await work();
        await meet(ranks, { facts: {} });
      }
      return result as T;
    },
    async begin(plan): Promise<number> {
      const words = await meet(ranks, { facts: await factsOf(plan) });
      at.stage = 'training';
      return new Set(words.map(({ host }) => host)).size;
    },
    end(): void {
      at.stage = 'ended';
    },
  };
}

/** What has to be the same at all ranks. Engines may differ in threads. */
async function factsOf(plan: RunPlan) {
  const { model, tokenizer, dataset, data, old, teachers = [], settings, from, backend } = plan;
  const { sha256, bytes } = data;
  const values = Object.entries({ ...model.config, ...settings });
  return {
    'version of Inkhorn': packageVersion(),
    engine: withoutThreads(backend.description),
    text: `${formatAmount(bytes, 'byte')} (sha256 ${sha256.slice(0, 12)})`,
    ...Object.fromEntries(values.map(([name, value]) => [name, JSON.stringify(value)])),
    tokenizer: identityOf(tokenizer).slice(0, 12),
    split: `${formatAmount(dataset.train.length, 'token')} / ${formatAmount(dataset.val.length, 'token')}`,
    'old text': old ? old.record.sha256.slice(0, 12) : 'none',
    teachers: teachers.map(({ record }) => record.sha256.slice(0, 12)).join(' ') || 'none',
    step: String(from?.resume.step ?? 0),
    state: await stateOf(model, from),
  };
}

/** A checksum of weights and moments. */
async function stateOf(model: RunPlan['model'], from: RunPlan['from']): Promise<string> {
  const hash = createHash('sha256');
  for (const tensor of namedParameters(model).values()) hash.update(await tensor.data());
  for (const values of from?.resume.optimizer.values() ?? []) hash.update(values);
  return hash.digest('hex').slice(0, 12);
}

/**
 * Threads of the engine, unless they are given: this process's share of the machine. Undefined: not started
 * by mpirun.
 */
export function ownThreads(): number | undefined {
  const launch = launchOf();
  return launch === null ? undefined : threadsPerRank(launch, cpus().length, availableParallelism());
}

/** Says who shares the run, and how. */
export function announceRanks(
  { ranks }: Job,
  machines = 1,
  { settings: { batchSize, accumulate, microBatch, localSteps } }: RunPlan,
  output: Output,
): void {
  const who = `${ranks.size} ranks on ${formatAmount(machines, 'machine')}`;
  const count = Math.ceil((batchSize * accumulate) / microBatch);
  output.note(
    localSteps > 0
      ? `${who} train apart, and meet every ${formatAmount(localSteps, 'step')}`
      : `${who} share the ${count} micro-batches of a step`,
  );
  // What npx starts is its child: mpirun believes that a rank has ended when npx has, and kills the rest.
  if (process.env.npm_lifecycle_event === 'npx')
    output.note(
      'npx ends at the first signal, so that a stopped job loses its steps since the last checkpoint: start node_modules/.bin/inkhorn itself',
    );
}

/** An output that says nothing, for ranks other than the first. */
export const silence: Output = {
  json: false,
  tty: false,
  colors: createColors(false),
  print() {},
  write() {},
  speak() {},
  table() {},
  facts() {},
  data() {},
  async pour() {},
  note() {},
};
