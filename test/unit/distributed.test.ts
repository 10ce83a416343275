// What launchers say about a process, and what ranks agree on before they train.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { launchOf, threadsPerRank } from '../../src/distributed/launcher.ts';
import { type Facts, meet, RankError } from '../../src/distributed/meeting.ts';
import { fakeRanks } from '../support/ranks.ts';

describe('a launch', () => {
  const openMpi = {
    OMPI_COMM_WORLD_SIZE: '4',
    OMPI_COMM_WORLD_RANK: '2',
    OMPI_COMM_WORLD_LOCAL_SIZE: '2',
    OMPI_COMM_WORLD_LOCAL_RANK: '0',
  };

  test('is told by the variables of each launcher', () => {
    const expected = { rank: 2, size: 4, localSize: 2, localRank: 0 };
    assert.deepEqual(launchOf(openMpi), { by: 'Open MPI', endsAll: true, ...expected });
    const hydra = { PMI_SIZE: '4', PMI_RANK: '2', MPI_LOCALNRANKS: '2', MPI_LOCALRANKID: '0' };
    assert.deepEqual(launchOf(hydra), { by: 'MPICH', endsAll: true, ...expected });
    const slurm = {
      ...{ PMIX_RANK: '2', SLURM_STEP_NUM_TASKS: '4' },
      ...{ SLURM_NTASKS_PER_NODE: '2', SLURM_LOCALID: '0' },
    };
    assert.deepEqual(launchOf(slurm), { by: 'Open MPI', endsAll: false, ...expected });
  });

  test('is none without them, or when they make no sense', () => {
    assert.equal(launchOf({}), null);
    assert.equal(launchOf({ SLURM_STEP_NUM_TASKS: '4', SLURM_PROCID: '1' }), null);
    assert.equal(launchOf({ ...openMpi, OMPI_COMM_WORLD_RANK: '4' }), null);
    assert.equal(launchOf({ ...openMpi, OMPI_COMM_WORLD_SIZE: 'many' }), null);
  });

  test('shares the cores of its machine', () => {
    const of = (localSize: number) => ({
      by: 'MPICH' as const,
      endsAll: true,
      rank: 0,
      size: 8,
      localSize,
      localRank: 0,
    });
    assert.equal(threadsPerRank(of(2), 8, 8), 4);
    assert.equal(threadsPerRank(of(2), 8, 1), 1, 'bound to one core');
    assert.equal(threadsPerRank(of(8), 4, 4), 1);
  });
});

describe('a meeting', () => {
  interface Said {
    facts?: Facts;
    problem?: { message: string; code: number };
    host?: string;
  }
  /** What every rank hears when each says this. */
  const hear = (...said: Said[]) =>
    Promise.all(
      fakeRanks(said.length).map(({ rank, size, exchange }) => {
        const { host = 'a', facts = {}, problem } = said[rank];
        return meet({ rank, size, exchange, host }, { facts, problem }).catch((error: Error) => error);
      }),
    );

  test('lets equals begin', async () => {
    const facts = { text: '5 bytes', lr: '0.1' };
    const heard = await hear({ facts }, { facts, host: 'b' });
    for (const words of heard)
      assert.deepEqual(
        (words as { host: string }[]).map(({ host }) => host),
        ['a', 'b'],
      );
  });

  test('tells all ranks the first difference, and on which machine', async () => {
    const [one, other] = [
      { lr: '0.1', seed: '1' },
      { lr: '0.2', seed: '1' },
    ];
    for (const error of await hear({ facts: one }, { facts: other })) {
      assert.ok(error instanceof RankError);
      assert.equal(
        error.message,
        'rank 1 has another lr than rank 0, 0.2 and 0.1: start all ranks with the same command, version and files',
      );
      assert.equal(error.code, 1);
    }
    for (const error of await hear({ facts: one }, { facts: { ...one, new: '3' }, host: 'b' }))
      assert.equal(
        (error as Error).message,
        'rank 1 (b) has another new than rank 0 (a), 3 and nothing: start all ranks with the same command, version and files',
      );
  });

  test('tells all ranks what is wrong at one', async () => {
    const problem = { message: 'no such file', code: 2 };
    for (const error of await hear({}, { problem })) {
      assert.ok(error instanceof RankError);
      assert.equal(error.message, 'rank 1: no such file');
      assert.equal(error.code, 2);
    }
    const [everywhere] = await hear({ problem }, { problem });
    assert.equal((everywhere as Error).message, 'no such file');
  });
});
