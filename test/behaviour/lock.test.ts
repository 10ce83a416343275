// One command at a time writes to a folder. The second is told who the first is, and a kill locks nobody out.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderStore } from '../../src/io/node-store.ts';
import { memoryStore } from '../../src/io/store.ts';
import { HISTORY_FILE } from '../../src/runs/layout.ts';
import { flagsOf, inkhorn } from './cli-process.ts';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-lock-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const text = join(folder, 'text.txt');
writeFileSync(text, 'The quick brown fox jumps over the lazy dog, and the dog sleeps on.\n'.repeat(60));

const recipe = flagsOf({
  data: text,
  vocabSize: 280,
  preset: 'tiny',
  blockSize: 16,
  nLayer: 1,
  nEmbd: 16,
  nHead: 2,
  batchSize: 2,
  sampleEvery: 0,
  probeEvery: 0,
  evalEvery: 1_000_000,
  checkpointEvery: 10,
  backend: 'reference',
});

/** A run that continues until it is ended. */
async function endless(args: string[], until = 'last'): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (part: Buffer) => errors.push(part));
  let seen = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (part: Buffer) => {
      seen = (seen + part).slice(-10000);
      if (seen.includes(`"kind":"${until}"`)) resolve();
    });
    child.on('exit', (code) => reject(new Error(`ended with ${code}: ${Buffer.concat(errors)}`)));
  });
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'close');
  child.kill(signal);
  await ended;
}

const hidden = (path: string): string[] => readdirSync(path).filter((name) => name.startsWith('.'));

describe('a run that goes on', () => {
  test('is not replaced, resumed or written to by others, who name its process', async () => {
    const out = join(folder, 'live');
    const child = await endless(['train', ...recipe, '--steps', '1000000', '--out', out]);
    try {
      const others = [
        ['train', ...recipe, '--steps', '2', '--out', out],
        ['train', ...recipe, '--steps', '2', '--out', out, '--force'],
        ['train', '--resume', out],
        ['demo', '--data', text, '--out', out, '--force'],
        ['quantize', '--model', join(out, 'last'), '--out', out, '--force'],
      ];
      for (const args of others) {
        const { code, errors } = await inkhorn(folder, args);
        assert.equal(code, 2, args.join(' '));
        assert.match(
          errors.join('\n'),
          new RegExp(
            `^inkhorn: .* is in use by process ${child.pid} \\(inkhorn train, since 2[^)]*\\): wait`,
          ),
        );
        assert.equal(errors.length, 1);
      }
      const read = await inkhorn(folder, ['report', out, '--out', join(folder, 'report')]);
      assert.equal(read.code, 0, read.stderr); // reading is always allowed
    } finally {
      await end(child, 'SIGTERM');
    }
    assert.deepEqual(hidden(out), []);
  });

  test('locks nobody out once it was killed', async () => {
    const out = join(folder, 'killed');
    const child = await endless(['train', ...recipe, '--steps', '1000000', '--out', out]);
    await end(child, 'SIGKILL');
    const again = await inkhorn(folder, ['train', ...recipe, '--steps', '2', '--out', out, '--force']);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(hidden(out), []);
  });
});

test('of commands that begin at the same instant exactly one wins', async () => {
  const out = join(folder, 'race', 'run');
  const all = await Promise.all(
    Array.from({ length: 4 }, () => inkhorn(folder, ['train', ...recipe, '--steps', '100', '--out', out])),
  );
  assert.deepEqual(
    all.map(({ code }) => code).sort(),
    [0, 2, 2, 2],
    all.map(({ stderr }) => stderr).join('\n'),
  );
  for (const { code, errors } of all) if (code === 2) assert.match(errors[0], /is in use by/);
});

test('a command that is refused leaves no folder behind', async () => {
  const out = join(folder, 'none', 'at', 'all');
  const { code } = await inkhorn(folder, ['train', '--data', 'missing.txt', '--out', out]);
  assert.equal(code, 2);
  assert.ok(!existsSync(join(folder, 'none')));
});

test('--resume of a run before its first checkpoint says who writes it, or that nobody does', async () => {
  const out = join(folder, 'begun');
  const store = folderStore(out);
  await store.write(HISTORY_FILE, new TextEncoder().encode('[]'));
  const lock = await store.lock?.('inkhorn train');
  const { code, errors } = await inkhorn(folder, ['train', '--resume', out]);
  lock?.release();
  assert.equal(code, 2);
  assert.match(errors[0], /is in use by process \d+ \(inkhorn train/);
  const later = await inkhorn(folder, ['train', '--resume', out]);
  assert.match(later.errors[0], /ended before its first checkpoint/);
});

test('--force removes only what was there when the command began', async () => {
  const out = join(folder, 'late');
  mkdirSync(join(out, 'best'), { recursive: true });
  const { takeRunFolder, prepareFolder } = await import('../../src/cli/run-folder.ts');
  const taken = await takeRunFolder(out, 'a test', true);
  try {
    mkdirSync(join(out, 'last'));
    await assert.rejects(prepareFolder(taken), /last came after this command began, and is not removed/);
    assert.ok(existsSync(join(out, 'best')));
    rmSync(join(out, 'last'), { recursive: true });
    const copies = await folderStore(join(out, 'best')).lock?.('inkhorn quantize');
    await assert.rejects(prepareFolder(taken), /best is in use by process \d+ \(inkhorn quantize/);
    copies?.release();
    await prepareFolder(taken);
    assert.deepEqual(
      readdirSync(out).filter((name) => !name.startsWith('.')),
      [],
    );
  } finally {
    taken.release();
  }
});

describe('the lock of a store', () => {
  for (const [name, make] of [
    ['memory', () => memoryStore('here')],
    ['folder', () => folderStore(join(folder, 'store'))],
  ] as const) {
    test(`${name}: is one at a time, and free again after its release`, async () => {
      const store = make();
      const first = await store.lock?.('the first');
      await assert.rejects(async () => store.lock?.('the second'), /is in use .*the first/);
      first?.release();
      first?.release();
      const second = await store.lock?.('the second');
      second?.release();
    });
  }

  test('without flock(1) it goes by the process that is named', {
    skip: process.platform !== 'linux',
  }, async () => {
    const path = join(folder, 'unlocked');
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'flock'), '#!/bin/sh\nexit 69\n');
    chmodSync(join(bin, 'flock'), 0o755);
    const before = process.env.PATH;
    process.env.PATH = `${bin}${delimiter}${before}`;
    try {
      const first = await folderStore(path).lock?.('the first');
      await assert.rejects(
        async () => folderStore(path).lock?.('the second'),
        /in use by process \d+ \(the first/,
      );
      first?.release();
      mkdirSync(path);
      const gone = {
        pid: process.pid,
        began: '1',
        host: (await import('node:os')).hostname(),
        what: 'x',
        since: '',
      };
      // The process is gone, and its number is used again.
      writeFileSync(join(path, '.inkhorn.owner'), JSON.stringify(gone));
      (await folderStore(path).lock?.('the third'))?.release();
      assert.deepEqual(hidden(path), []);
    } finally {
      process.env.PATH = before;
    }
  });
});

test('a folder that cannot be is refused, and its parents are not left behind', {
  skip: process.platform !== 'linux',
}, async () => {
  for (const out of ['/proc/new', '/proc/new/deep']) {
    const { code, errors } = await inkhorn(folder, ['train', '--data', text, '--out', out]);
    assert.notEqual(code, 0);
    assert.match(errors.at(-1) ?? '', new RegExp(`--out ${out} cannot be written to: there is no such`));
  }
});
