// `train --from`: a trained model goes on with another text. Its shape and tokenizer stay, what it forgets is
// measured, and everything that holds for a run holds for this one: repeated, interrupted, reported.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EvalEvent, TrainEvent } from '../../src/train/events.ts';
import { drawNoPng, inkhornShared, sentences } from './cli-process.ts';

const SMALL = '--vocab-size 300 --preset seed --block-size 16 --n-layer 2 --n-embd 16 --n-head 2';
const OFF = '--sample-every 0 --probe-every 2 --backend reference';

describe('a run that goes on from a trained model', () => {
  const root = mkdtempSync(join(tmpdir(), 'inkhorn-fine-tune-'));
  drawNoPng(root);
  const at = (line: string): ReturnType<typeof inkhornShared> => inkhornShared(root, line.split(' '));
  const ok = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await at(line);
    assert.equal(code, 0, stderr);
    return line.endsWith('--json') ? stdout : stdout + stderr;
  };
  const file = (...path: string[]): Buffer => readFileSync(join(root, ...path));
  const json = (...path: string[]) => JSON.parse(file(...path).toString());
  const evals = (run: string): EvalEvent[] =>
    json(run, 'history.json').events.filter((event: TrainEvent) => event.type === 'eval');
  const tune = `train --data new.txt --steps 6 --eval-every 3 ${OFF}`;

  before(async () => {
    writeFileSync(join(root, 'old.txt'), sentences(60));
    writeFileSync(join(root, 'new.txt'), 'Whale, ho! The ship sails on; and on she sails.\n'.repeat(40));
    writeFileSync(join(root, 'third.txt'), 'one two three four five six seven eight nine ten. '.repeat(40));
    await ok(`train --data old.txt --out old ${SMALL} --steps 4 --batch-size 2 --eval-every 4 ${OFF}`);
    await ok(`${tune} --from old --out new`);
  });
  after(() => rmSync(root, { recursive: true }));

  test('begins with its weights, and keeps its shape and its tokenizer', async () => {
    assert.deepEqual(json('new', 'best', 'config.json'), json('old', 'best', 'config.json'));
    assert.deepEqual(file('new', 'best', 'tokenizer.json'), file('old', 'best', 'tokenizer.json'));
    const before = JSON.parse(await ok('eval -m old --data new.txt --backend reference --json'));
    assert.equal(evals('new')[0].valLoss, before.loss ?? before.valLoss);
    assert.ok(evals('new')[2].valLoss < evals('new')[0].valLoss, 'learns');
  });

  test('measures what is forgotten, on the text that the model was trained on', async () => {
    const [first, , last] = evals('new');
    assert.equal(first.oldLoss, evals('old').at(-1)?.valLoss);
    const after = JSON.parse(await ok('eval -m new/last --data old.txt --backend reference --json'));
    assert.equal(last.oldLoss, after.loss ?? after.valLoss);
    assert.match(
      file('new', 'report.md').toString(),
      /On the text that the model knew before, its loss went from/,
    );
    assert.match(file('new', 'report.html').toString(), /old text/);
  });

  test('and not on that of a run that happens to be inside its folder, or around it', async () => {
    await ok(`train --data third.txt --out around ${SMALL} --steps 2 --eval-every 2 ${OFF}`);
    const copy = (to: string): void => {
      for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
        cpSync(join(root, 'old', 'best', name), join(root, to, name));
    };
    copy('mine');
    cpSync(join(root, 'around', 'last'), join(root, 'mine', 'last'), { recursive: true });
    cpSync(join(root, 'around', 'history.json'), join(root, 'mine', 'history.json'));
    copy(join('around', 'mine'));
    for (const [place, out] of [
      ['mine', 'inner'],
      ['around/mine', 'outer'],
    ]) {
      const said = await ok(`${tune} --from ${place} --out ${out}`);
      assert.match(said, /mine does not say which text its model was trained on: what is forgotten is not/);
      assert.equal(evals(out)[0].oldLoss, undefined);
    }
  });

  test('or on another one, or none if there is none, which is said', async () => {
    await ok(`${tune} --from old --old-data third.txt --out third`);
    assert.notEqual(evals('third')[0].oldLoss, evals('new')[0].oldLoss);
    renameSync(join(root, 'old.txt'), join(root, 'away.txt'));
    const said = await ok(`${tune} --from old --out none`);
    renameSync(join(root, 'away.txt'), join(root, 'old.txt'));
    assert.match(said, /old\.txt .* is not here: what is forgotten is not measured; --old-data FILE would/);
    assert.equal(evals('none')[0].oldLoss, undefined);
    assert.deepEqual(file('none', 'best', 'model.safetensors'), file('new', 'best', 'model.safetensors'));
  });

  test('its command repeats it', async () => {
    const [, command] =
      /`(inkhorn train [^`]*)`|\n(inkhorn train .*)\n/.exec(file('new', 'report.md').toString()) ?? [];
    const line = (
      command ??
      file('new', 'report.md')
        .toString()
        .match(/inkhorn train .*/)?.[0] ??
      ''
    ).trim();
    assert.match(line, /--from old --dropout 0.2 --block-size 16 --steps 6/);
    await ok(`${line.replace('inkhorn ', '').replace('runs/again', 'again')} --backend reference`);
    assert.deepEqual(file('again', 'best', 'model.safetensors'), file('new', 'best', 'model.safetensors'));
  });

  for (const part of ['--lora 4', '--freeze embeddings', '--lora 2 --dropout 0.1 --block-size 8'])
    test(`${part}: resumes bit for bit, and the result is an ordinary model`, async () => {
      const name = part.replaceAll(/\W+/g, '-');
      await ok(
        `${tune.replace('--steps 6', '--steps 3')} --schedule constant --from old ${part} --out a${name}`,
      );
      await ok(`${tune} --schedule constant --from old ${part} --out b${name}`);
      await ok(`train --resume a${name} --steps 6 --backend reference`);
      const weights = (run: string): Buffer => file(run + name, 'last', 'model.safetensors');
      assert.deepEqual(weights('a'), weights('b'));
      assert.equal(evals(`a${name}`).at(-1)?.oldLoss, evals(`b${name}`).at(-1)?.oldLoss);
      await ok(`generate -m b${name} --tokens 5 --backend reference`);
    });

  test('an adapter that is kept apart is the run, wherever a model is read', async () => {
    await ok(`${tune} --from old --lora 4 --keep-adapter --out apart`);
    const path = join('apart', 'best', 'adapter.safetensors');
    const loss = async (model: string): Promise<number> =>
      JSON.parse(await ok(`eval ${model} --data new.txt --backend reference --json`)).loss;
    assert.equal(await loss(`-m old --adapter ${path}`), await loss('-m apart'));
    assert.equal(await loss('-m old --adapter apart'), await loss('-m apart'));
    const said = async (model: string): Promise<string> =>
      (await at(`generate ${model} --tokens 20 --backend reference`)).stdout;
    assert.equal(await said('-m old --adapter apart'), await said('-m apart'));
    await ok(`export -m old --adapter ${path} --to safetensors -o by-adapter.safetensors`);
    await ok('export -m apart --to safetensors -o merged.safetensors');
    assert.deepEqual(file('by-adapter.safetensors'), file('merged.safetensors'));
    for (const [model, out] of [
      ['old --adapter apart', 'small-a'],
      ['apart', 'small-b'],
    ])
      await ok(`quantize -m ${model} -o ${out} --data new.txt --backend reference`);
    assert.deepEqual(file('small-a', 'model.safetensors'), file('small-b', 'model.safetensors'));
    const tokens = async (model: string) => ({
      ...JSON.parse(await ok(`inspect tokens ${model} -t Whale --backend reference --json`)),
      model: '',
    });
    assert.deepEqual(await tokens('-m old --adapter apart'), await tokens('-m apart'));
    const compared = JSON.parse(
      await ok('compare apart old --adapter apart --data new.txt --backend reference --json'),
    );
    const { before, after } = compared.validation;
    assert.ok(before.loss > 0 && before.loss === after.loss, `${before.loss}, ${after.loss}`);
    assert.match(file('apart', 'report.md').toString(), /--lora 4 .*--keep-adapter/);
  });

  const misfits: [line: string, words: RegExp][] = [
    ['generate -m old --adapter new.txt', /new\.txt: no safetensors file/],
    ['generate -m old --adapter nowhere', /--adapter nowhere: there is no such file/],
    ['eval -m old --adapter new', /--adapter new: there is no adapter\.safetensors in it: .*--keep-adapter/],
    [
      'generate -m new --adapter apart --backend reference',
      /the adapter is for another model: it was trained on/,
    ],
    ['generate --adapter apart', /the adapter is for another model: this one has no matrix|here it is/],
    ['export -m old --to peft -o t', /--adapter is missing: --to peft writes what/],
    ['export -m old --adapter apart --to peft -o t', /peft cannot express this model: .*head bias/],
    ['export -m old --adapter apart --to tokenizer -o t.json', /--adapter has no effect with --to tokenizer/],
    [`${tune} --from old --keep-adapter --out no`, /--keep-adapter has no effect without --lora above 0/],
    [
      `${tune} --from old --lora 2 --keep-adapter --ema-decay 0.9 --out no`,
      /--keep-adapter cannot go with --ema-decay 0.9/,
    ],
  ];
  for (const [line, words] of misfits)
    test(`refuses ${line}`, async () => {
      const { code, stderr } = await at(line);
      assert.ok(code === 1 || code === 2, stderr);
      assert.match(stderr, words);
      assert.equal(stderr.match(/^inkhorn: /gm)?.length, 1, stderr);
    });

  const refused: [line: string, words: RegExp][] = [
    [
      '--from old --n-layer 3',
      /--n-layer has no effect with --from, whose model has its shape and its tokenizer/,
    ],
    ['--from old --preset tiny', /--preset has no effect with --from/],
    ['--from old --vocab-size 400', /--vocab-size has no effect with --from/],
    ['--from old --block-size 32', /--block-size 32 is longer than the context .* at most 16/],
    ['--from nowhere', /there is no model folder nowhere/],
    ['--old-data third.txt', /--old-data has no effect without --from/],
    ['--from old --freeze blocks.7', /--freeze 'blocks.7' fits no parameter/],
    ['--from old --lora 16', /--lora 16 is no lower rank than/],
    ['--from old --lora 4 --optimizer muon', /--optimizer muon is for whole matrices/],
  ];
  for (const [line, words] of refused)
    test(`refuses ${line}`, async () => {
      const { code, stderr } = await at(`${tune} ${line} --out refused`);
      assert.equal(code, 2, stderr);
      assert.match(stderr, words);
      assert.equal(stderr.match(/^inkhorn: /gm)?.length, 1, stderr);
      assert.throws(() => file('refused', 'last', 'config.json'));
    });

  test('refuses a quantised model', async () => {
    await ok('quantize -m old --out small --backend reference');
    const { code, stderr } = await at(`${tune} --from small --out refused`);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /only a float model can be trained/);
  });
});
