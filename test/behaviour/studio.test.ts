// `inkhorn studio`: the page on a server of this machine, and a run that it follows while another command
// trains it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeConfig, presets } from '../../src/model/config.ts';
import { followRun } from '../../src/site/follow.ts';
import { type LiveLook, readLive, writeLive } from '../../src/site/live.ts';
import type { FollowMessage } from '../../src/site/messages.ts';
import { serveStudio } from '../../src/site/server.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { recipes } from '../../src/train/settings.ts';
import { statusOf } from '../support/status.ts';
import { inkhorn, sentences } from './cli-process.ts';

const root = mkdtempSync(join(tmpdir(), 'inkhorn-studio-'));
after(() => rmSync(root, { recursive: true }));

const SMALL = '--vocab-size 300 --preset tiny --block-size 16 --n-layer 1 --n-embd 16 --n-head 2';
const RUN = `${SMALL} --steps 12 --batch-size 2 --eval-every 4 --sample-every 6 --probe-every 5 --backend reference`;
const train = (rest: string) => inkhorn(root, `train --data s.txt ${RUN} ${rest}`.split(' '));

before(() => writeFileSync(join(root, 's.txt'), sentences(60)));

const settings = recipes.tiny;
const config = makeConfig(presets.tiny, 300);
const step = (n: number): TrainEvent => ({
  ...{ type: 'step', step: n, loss: 1 / n, lr: 1e-3, gradNorm: 1, tokensPerSecond: 10, eta: 1 },
});

describe('the log of a training', () => {
  const folder = join(root, 'log');
  before(() => mkdirSync(folder));

  test('is read as it grows, and removed at its end', async () => {
    const look = readLive(folder);
    assert.equal(await look(), null);
    const log = writeLive(folder, { before: 2, settings, config });
    log.add(step(1));
    const seen = await until(look, 1, 2);
    assert.deepEqual([seen.another, seen.head.before, seen.events], [true, 2, [step(1)]]);
    log.add(step(2));
    log.add(step(3));
    const more = await until(look, 2, 2);
    assert.deepEqual([more.another, more.events], [false, [step(2), step(3)]]);
    await log.end();
    assert.equal(await look(), null);
    assert.equal(existsSync(join(folder, 'live.jsonl')), false);
  });

  test('is another one when the run was begun again', async () => {
    const look = readLive(folder);
    const first = writeLive(folder, { before: 0, settings, config });
    first.add(step(1));
    await until(look, 1, 0);
    const second = writeLive(folder, { before: 7, settings, config });
    second.add(step(8));
    const seen = await until(look, 1, 7);
    assert.deepEqual([seen.another, seen.events], [true, [step(8)]]);
    await first.end();
    await second.end();
  });

  test('of which only whole lines are read', async () => {
    const look = readLive(folder);
    const head = JSON.stringify({ began: 'now', before: 0, settings, config });
    writeFileSync(join(folder, 'live.jsonl'), `${head}\n${JSON.stringify(step(1))}\n{"type":"st`);
    assert.deepEqual((await look())?.events, [step(1)]);
    assert.deepEqual((await look())?.events, []);
  });

  test('does not disturb a training whose disk takes nothing', async () => {
    const log = writeLive(join(root, 'nowhere'), { before: 0, settings, config });
    log.add(step(1));
    await log.end();
  });
});

describe('a run that is followed', () => {
  test('is told from before its first step to its end, event by event', async () => {
    const leaving = new AbortController();
    const messages: FollowMessage[] = [];
    const events: TrainEvent[] = [];
    const following = (async () => {
      for await (const message of followRun(join(root, 'run'), leaving.signal)) {
        messages.push(message);
        if (message.type === 'run') events.length = 0;
        if (message.type !== 'waiting') events.push(...message.events);
        if (message.type !== 'waiting' && events.at(-1)?.type === 'done') return;
      }
    })();
    const { code, stderr } = await train('--out run');
    assert.equal(code, 0, stderr);
    await following;
    leaving.abort();
    const { events: written } = JSON.parse(readFileSync(join(root, 'run/history.json'), 'utf8'));
    assert.deepEqual(events, written);
    assert.equal(messages[0].type, 'waiting');
    const told = messages.findLast((message) => message.type === 'run');
    assert.deepEqual([told?.run.name, told?.run.settings.steps, told?.run.config.nEmbd], ['run', 12, 16]);
    assert.equal(existsSync(join(root, 'run/live.jsonl')), false);
  });

  test('goes on when it is resumed', async () => {
    const leaving = new AbortController();
    let last: FollowMessage | null = null;
    const events: TrainEvent[] = [];
    const following = (async () => {
      for await (const message of followRun(join(root, 'run'), leaving.signal)) {
        last = message;
        if (message.type === 'run') events.length = 0;
        if (message.type !== 'waiting') events.push(...message.events);
        if (events.at(-1)?.step === 16 && events.at(-1)?.type === 'done') return;
      }
    })();
    const { code, stderr } = await inkhorn(
      root,
      'train --resume run --steps 16 --backend reference'.split(' '),
    );
    assert.equal(code, 0, stderr);
    await following;
    leaving.abort();
    assert.ok(last);
    const { events: written } = JSON.parse(readFileSync(join(root, 'run/history.json'), 'utf8'));
    assert.deepEqual(events, written);
  });

  test('that goes away is said to, once, and is told again when it is back', async () => {
    const leaving = new AbortController();
    const messages: FollowMessage[] = [];
    for await (const message of followRun(join(root, 'run'), leaving.signal)) {
      messages.push(message);
      if (messages.length === 1) renameSync(join(root, 'run'), join(root, 'elsewhere'));
      if (messages.length === 2) renameSync(join(root, 'elsewhere'), join(root, 'run'));
      if (messages.length === 3) leaving.abort();
    }
    const [before, gone, after] = messages;
    assert.ok(before.type === 'run' && before.events.length > 0);
    assert.ok(gone.type === 'waiting');
    assert.match(gone.reason, /run: no history\.json/);
    assert.deepEqual(after, before);
  });
});

describe('the server', () => {
  const leaving = new AbortController();
  let url = '';
  let close = async (): Promise<void> => {};
  before(async () => {
    ({ url, close } = await serveStudio({ port: 0, run: join(root, 'run'), signal: leaving.signal }));
  });
  after(async () => {
    leaving.abort();
    await close();
  });

  test('sends the page isolated, so that its threads share memory, with the name of the run', async () => {
    const response = await fetch(url);
    assert.equal(response.headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(response.headers.get('cross-origin-embedder-policy'), 'require-corp');
    const html = await response.text();
    assert.match(html, /<meta name="inkhorn-run" content="run" \/>/);
    for (const [, file] of html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)) {
      const part = await fetch(new URL(file, url));
      assert.equal(part.status, 200, file);
      assert.equal(part.headers.get('cross-origin-embedder-policy'), 'require-corp', file);
    }
    assert.equal((await fetch(new URL('models/shakespeare/config.json', url))).status, 200);
  });

  test('gives the models of the run to the page', async () => {
    const saved = (await (await fetch(new URL('run/best/config.json', url))).json()) as { nEmbd: number };
    assert.equal(saved.nEmbd, 16);
    const head = await fetch(new URL('run/last/model.safetensors', url), { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal((await fetch(new URL('run/int8/config.json', url))).status, 404);
  });

  test('gives nothing else', async () => {
    writeFileSync(join(root, 'run/secret.txt'), 'secret');
    mkdirSync(join(root, 'run/other'), { recursive: true });
    writeFileSync(join(root, 'run/other/config.json'), '{}');
    const paths = [
      'run/secret.txt',
      'run/other/config.json',
      'run/best/..%2f..%2fs.txt',
      'run/..%2fs.txt',
      '..%2f..%2fpackage.json',
      's.txt',
    ];
    for (const path of paths) {
      const status = await statusOf(url, `/${path}`);
      assert.equal(status, 404, path);
    }
  });

  test('answers to names of this machine only, and takes nothing', async () => {
    assert.equal(await statusOf(url, '/', { headers: { host: 'elsewhere.example' } }), 403);
    assert.equal(await statusOf(url, '/', { headers: { host: '127.0.0.1:1' } }), 200);
    assert.equal(await statusOf(url, '/run/best/config.json', { method: 'PUT' }), 404);
  });

  test('a port that is taken is refused by name, or another one is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { code, errors } = await inkhorn(root, ['studio', '--port', String(port)]);
    assert.equal(code, 2);
    assert.deepEqual(errors, [
      `inkhorn: --port ${port} is taken: take another one, or 0 for any that is free`,
    ]);
    taken.close();
  });

  test('as a command says where it is, and ends by Ctrl-C', async () => {
    const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
    const child = spawn(process.execPath, [main, 'studio', '--port', '0', '--json'], { cwd: root });
    const line = await new Promise<string>((resolve) => {
      let text = '';
      child.stdout.on('data', (part: Buffer) => {
        text += part;
        if (text.includes('\n')) resolve(text);
      });
    });
    const { url: own } = JSON.parse(line) as { url: string };
    assert.equal((await fetch(own)).status, 200);
    child.kill('SIGINT');
    assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 130);
  });
});

/** What looks have found together, once there are `count` events of the log whose run had `before`. */
async function until(look: () => Promise<LiveLook | null>, count: number, before: number): Promise<LiveLook> {
  let another = false;
  let events: TrainEvent[] = [];
  for (;;) {
    const found = await look();
    if (found?.another) [another, events] = [true, []];
    events.push(...(found?.events ?? []));
    if (found?.head.before === before && events.length >= count) return { ...found, another, events };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
