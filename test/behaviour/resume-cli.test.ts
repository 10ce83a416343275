// `train --resume` on the command line, and the text of a run: what is still due, what is reported, texts and
// runs that have moved.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inkhornShared, sentences } from './cli-process.ts';

const SMALL = '--vocab-size 300 --preset tiny --block-size 16 --n-layer 1 --n-embd 16 --n-head 2';
const RUN = `${SMALL} --steps 4 --batch-size 2 --eval-every 4 --sample-every 0 --probe-every 2 --backend reference`;

describe('a run and its text', () => {
  const root = mkdtempSync(join(tmpdir(), 'inkhorn-resume-'));
  const home = join(root, 'home');
  const at = (cwd: string, line: string): ReturnType<typeof inkhornShared> =>
    inkhornShared(cwd, line.split(' '));
  before(async () => {
    mkdirSync(join(home, 'sub'), { recursive: true });
    writeFileSync(join(home, 's.txt'), sentences(60));
    const { code, stderr } = await at(home, `train --data s.txt --out run ${RUN}`);
    assert.equal(code, 0, stderr);
  });
  after(() => rmSync(root, { recursive: true }));

  test('are found from another folder', async () => {
    const { stdout, stderr, code } = await at(
      join(home, 'sub'),
      'eval -m ../run --backend reference --max-tokens 32',
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /home\/s\.txt, which the model was trained on/);
    assert.match(stdout, /nats\/token/);
  });

  test('are found after they moved together', async () => {
    const moved = join(root, 'moved');
    cpSync(home, moved, { recursive: true });
    renameSync(home, join(root, 'away'));
    const { stderr, code } = await at(root, 'eval -m moved/run --backend reference --max-tokens 32');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /moved\/s\.txt, which the model was trained on/);
    const resumed = await at(root, 'train --resume moved/run --steps 6 --backend reference');
    assert.equal(resumed.code, 0, resumed.stderr);
    renameSync(join(root, 'away'), home);
  });

  test('are found where a page packed the text with the run', async () => {
    const unpacked = join(root, 'unpacked');
    cpSync(join(home, 'run'), join(unpacked, 'run'), { recursive: true });
    renameSync(home, join(root, 'away'));
    cpSync(join(root, 'away', 's.txt'), join(unpacked, 'run', 'text.txt'));
    const resumed = await at(unpacked, 'train --resume run --steps 6 --backend reference');
    assert.equal(resumed.code, 0, resumed.stderr);
    const evaluated = await at(root, 'eval -m unpacked/run --backend reference --max-tokens 32');
    assert.equal(evaluated.code, 0, evaluated.stderr);
    assert.match(evaluated.stderr, /unpacked\/run\/text\.txt, which the model was trained on/);
    const copy = join(unpacked, 'run', 'int8'); // as a page makes it, whose texts have no path
    cpSync(join(unpacked, 'run', 'best'), copy, { recursive: true });
    const { data } = JSON.parse(readFileSync(join(unpacked, 'run', 'last', 'training.json'), 'utf8'));
    const { origin: _, ...record } = data;
    writeFileSync(join(copy, 'compare.json'), JSON.stringify({ data: { ...record, inputs: ['s.txt'] } }));
    const ofCopy = await at(root, 'eval -m unpacked/run/int8 --backend reference --max-tokens 32');
    assert.equal(ofCopy.code, 0, ofCopy.stderr);
    renameSync(join(root, 'away'), home);
  });

  test('are told apart when the text is not here, or another one', async () => {
    const alone = join(root, 'alone');
    mkdirSync(alone);
    cpSync(join(home, 'run'), join(alone, 'run'), { recursive: true });
    renameSync(join(home, 's.txt'), join(home, 'other.txt'));
    const missing =
      /the run was trained on s\.txt \([\d,]+ bytes, sha256 [0-9a-f]{12}\.\.\.\), which is not here: give --data/;
    assert.match((await at(alone, 'eval -m run')).stderr, missing);
    assert.match((await at(alone, 'train --resume run --steps 9')).stderr, missing);
    assert.equal((await at(alone, 'report run')).code, 0);
    writeFileSync(join(alone, 's.txt'), 'another');
    assert.match(
      (await at(alone, 'eval -m run')).stderr,
      /s\.txt holds another text now \(7 bytes\): give --data/,
    );
    const wrong = await at(alone, 'train --resume run --steps 9 --data s.txt');
    assert.match(
      wrong.stderr,
      /--data s\.txt \(7 bytes.*is not the text that the run was trained on: s\.txt \(/,
    );
    const { code } = await at(
      alone,
      `eval -m run --data ${join(home, 'other.txt')} --max-tokens 32 --backend reference`,
    );
    assert.equal(code, 0);
    renameSync(join(home, 'other.txt'), join(home, 's.txt'));
  });

  test('--resume says what a folder is that is no run, and when nothing is due', async () => {
    const says = async (folder: string, message: RegExp): Promise<void> => {
      const { code, errors } = await at(home, `train --resume ${folder}`);
      assert.equal(code, 2);
      assert.match(errors.join(), message);
    };
    await says('run', /done, 4 steps: --steps 8 would go on/);
    await says('run/best', /this is a checkpoint of a run: --resume run continues its last one/);
    await says('sub', /there is no run in this folder/);
    await says('s.txt', /this is a file/);
    cpSync(join(home, 'run/best'), join(home, 'model'), { recursive: true });
    await says('model', /this is a model, not a run/);
  });

  test('--resume writes the report that is still due', async () => {
    const record = JSON.parse(readFileSync(join(home, 'run/run.json'), 'utf8'));
    assert.equal(record.reported, 4);
    writeFileSync(join(home, 'run/run.json'), JSON.stringify({ ...record, reported: null }));
    rmSync(join(home, 'run/report.md'));
    const { code, stderr } = await at(home, 'train --resume run --backend reference');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /resuming run at step 4 of 4, still due: report/);
    assert.match(readFileSync(join(home, 'run/report.md'), 'utf8'), /finished after 4 steps/);
  });
});
