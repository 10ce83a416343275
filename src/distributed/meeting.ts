// What ranks tell each other before they train: what they train, and what has gone wrong at one of them. So
// that every one knows of it, and one speaks of it. Read next: mpi-ranks.ts.
import { type Communicator, gather } from '../train/communicator.ts';

/** The end of a job because of what went wrong at a rank, of which rank 0 speaks. */
export class RankError extends Error {
  /** 1: failed, 2: misused. */
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** What has to be the same at all ranks, as people call it: a version, a text, ... */
export type Facts = Readonly<Record<string, string>>;

const REMEDIES: Facts = { engine: 'name an instruction set that all have by INKHORN_ISA, or --backend' };

/** What one rank says at a meeting. */
interface Word {
  host: string;
  facts: Facts;
  problem?: { message: string; code: number };
}

/**
 * Tells all ranks these `facts`, or a `problem`. Throws the same RankError at every rank when one has a
 * problem, or other facts than rank 0.
 */
export async function meet(
  ranks: Communicator & { host: string },
  own: Omit<Word, 'host'>,
): Promise<{ host: string }[]> {
  const bytes = new TextEncoder().encode(JSON.stringify({ host: ranks.host, ...own }));
  const words = (await gather(ranks, bytes)).map((part): Word => JSON.parse(new TextDecoder().decode(part)));
  const many = new Set(words.map(({ host }) => host)).size > 1;
  const name = (rank: number): string => `rank ${rank}${many ? ` (${words[rank].host})` : ''}`;
  const problems = words.flatMap(({ problem }, rank) => (problem ? [{ ...problem, rank }] : []));
  if (problems.length > 0) {
    const [{ message, code, rank }] = problems;
    const shared = problems.length === words.length && problems.every((other) => other.message === message);
    throw new RankError(shared || rank === 0 ? message : `${name(rank)}: ${message}`, code);
  }
  const [first] = words;
  for (const [rank, { facts }] of words.entries()) {
    for (const what of Object.keys({ ...first.facts, ...facts })) {
      const [here, there] = [first.facts[what] ?? 'nothing', facts[what] ?? 'nothing'];
      if (here !== there)
        throw new RankError(
          `${name(rank)} has another ${what} than ${name(0)}, ${there} and ${here}: ${REMEDIES[what] ?? 'start all ranks with the same command, version and files'}`,
          1,
        );
    }
  }
  return words;
}
