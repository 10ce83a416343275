// What the programs of bench/ are built on: turns, medians, peers that are not installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openPeers } from '../../bench/peers/open.ts';
import { type Contestant, ratio, summary, takeTurns, WARM_UP } from '../../bench/support/contest.ts';
import { growthTable } from '../../bench/support/growth.ts';
import { formatSeconds } from '../../bench/support/program.ts';

describe('turns', () => {
  test('are taken one after another, and the first of them do not count', async () => {
    const log: string[] = [];
    const timings = await takeTurns([scripted('a', 10, log), scripted('b', 20, log)], 3);
    const rounds = WARM_UP + 3;
    assert.equal(log.join(''), `${'ab'.repeat(rounds)}AB`);
    const [a, b] = timings;
    assert.deepEqual(a.seconds, [WARM_UP + 1, WARM_UP + 2, WARM_UP + 3]);
    assert.deepEqual([a.first, a.min, a.median, a.max], [1, WARM_UP + 1, WARM_UP + 2, WARM_UP + 3]);
    assert.equal(a.rate, 10 / (WARM_UP + 2));
    assert.equal(ratio(b, a), 2);
    assert.equal(b.peakMB, 7);
  });

  test('that fail end the contest', async () => {
    const broken = { ...scripted('a', 1, []), turn: () => Promise.reject(new Error('no more turns')) };
    await assert.rejects(takeTurns([broken], 1), /no more turns/);
  });

  test('are summed up by their median', () => {
    const { median, min, max, rate } = summary([3, 1, 2], 8);
    assert.deepEqual([median, min, max, rate], [2, 1, 3, 4]);
  });
});

describe('peers', () => {
  test('that nobody knows are refused', async () => {
    await assert.rejects(openPeers(['abacus'], { torch: [[]] }), /--peer abacus: the peers here are torch/);
  });

  test('that are not installed are left out, with how to install them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inkhorn-bench-'));
    const before = process.env.INKHORN_ONNXRUNTIME;
    process.env.INKHORN_ONNXRUNTIME = folder;
    try {
      const { found, missing } = await openPeers(['onnxruntime'], { onnxruntime: [['decode']] });
      assert.deepEqual(found, []);
      assert.equal(missing.length, 1);
      assert.match(missing[0], /^onnxruntime is left out: npm install .*onnxruntime-node/);
    } finally {
      if (before === undefined) delete process.env.INKHORN_ONNXRUNTIME;
      else process.env.INKHORN_ONNXRUNTIME = before;
      await rm(folder, { recursive: true });
    }
  });
});

test('programs run with the sizes of their presets', () => {
  const programs = {
    train: ['--layers', '1', '--batch', '1'],
    engines: ['--only', 'train', '--batch', '1'],
  };
  for (const [name, args] of Object.entries(programs)) {
    const program = fileURLToPath(new URL(`../../bench/${name}.js`, import.meta.url));
    const all = [program, ...args, '--backend', 'wasm', '--turns', '1', '--json'];
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const [{ timings }] = JSON.parse(stdout).figures;
    assert.equal(timings.length, 1);
    assert.ok(timings[0].rate > 0);
  }
});

test('growth compares each size with the middle one', () => {
  const point = (batch: number, seconds: number) => ({
    size: { batch, layers: 1, width: 8 },
    seconds: [seconds],
    tokens: batch * 10,
    flop: batch * 1e9,
    peakMB: 5,
  });
  const lines = growthTable({ by: 'batch', points: [point(1, 2), point(2, 2), point(4, 8)] });
  assert.match(lines[1], /2\.00 s .* 200 ms .*2\.00x/);
  assert.match(lines[2], /1\.00x/);
  assert.match(lines[3], /2\.00x/);
});

test('seconds are shown in a unit that fits', () => {
  assert.deepEqual([2.214, 0.0306, 0.0000129].map(formatSeconds), ['2.21 s', '30.6 ms', '12.9 us']);
});

/** A contestant that reports 1 s, 2 s, 3 s ... without waiting. */
function scripted(name: string, amount: number, log: string[]): Contestant {
  let turns = 0;
  return {
    name,
    includes: 'nothing',
    amount,
    turn: async () => {
      log.push(name);
      return ++turns;
    },
    close: async () => {
      log.push(name.toUpperCase());
      return 7;
    },
  };
}
