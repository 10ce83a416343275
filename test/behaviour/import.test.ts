// `inkhorn import`, end to end: what it makes is a model folder like any other.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nanoGptContents, torchArchive } from '../support/torch-file.ts';
import { jsonLines, linesIn, sentences } from './cli-process.ts';

/** A model of GPT-2's kind that trains in a second. */
const LIKE_GPT2 =
  '--preset seed --n-layer 2 --n-embd 16 --n-head 2 --block-size 16 --batch-size 4 --vocab-size 280 ' +
  '--no-head-bias --qkv-bias --tie-weights --steps 4 --eval-every 4';

let folder: string;
const { run, good } = linesIn(() => folder);

/** Runs and expects one line of error. */
async function bad(line: string, code: number, expected: RegExp): Promise<void> {
  const { errors, ...result } = await run(line);
  assert.equal(result.code, code, `inkhorn ${line}: ${result.stderr}`);
  assert.equal(errors.length, 1, result.stderr);
  assert.match(errors[0], expected);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-import-'));
  await writeFile(join(folder, 'text.txt'), sentences(150));
  await good(`train --data text.txt --out gpt2 ${LIKE_GPT2}`);
  await good('export -m gpt2 --to hf -o theirs');
});

after(() => rm(folder, { recursive: true }));

test('a folder of Hugging Face that is taken for a model folder is one to import', async () => {
  await bad(
    'generate -m theirs',
    1,
    /theirs\/config\.json.*Hugging Face: `inkhorn import` makes a model folder/,
  );
  await bad('train --from theirs --data text.txt --out none', 1, /Hugging Face: `inkhorn import`/);
  await good('export -m gpt2 --to safetensors -o alone.safetensors');
  await bad(
    'generate -m alone.safetensors',
    2,
    /a model is a folder, which `inkhorn import alone\.safetensors /,
  );
});

test('a folder of Hugging Face becomes a model folder that every command takes', async () => {
  const [facts] = jsonLines<{ from: string; files: string[] }>(await good('import theirs --out ours --json'));
  assert.equal(facts.from, 'GPT2LMHeadModel');
  assert.deepEqual(facts.files.sort(), (await readdir(join(folder, 'ours'))).sort());
  const lossOf = async (model: string): Promise<number> =>
    jsonLines<{ loss: number }>(await good(`eval -m ${model} --data text.txt --json`))[0].loss;
  assert.equal(await lossOf('ours'), await lossOf('gpt2'));
  const greedy = '--tokens 20 --temperature 0 --prompt the';
  const [before, after] = [
    await good(`generate -m gpt2 ${greedy}`),
    await good(`generate -m ours ${greedy}`),
  ];
  assert.equal(after.stdout, before.stdout);
  await good('inspect -m ours --data text.txt --out looked');
  await good('summary -m ours');
  await good('quantize -m ours -o ours-int8 --data text.txt --max-tokens 64 --speed-tokens 4');
  await good('compare ours ours-int8 --data text.txt --max-tokens 64 --speed-tokens 4');
  await good('train --from ours --data text.txt --out further --steps 2 --batch-size 2');
  await good('generate -m further --tokens 2');
});

/** A checkpoint of nanoGPT with 280 tokens; `value` is that of every element. */
function checkpoint(value: number): Uint8Array {
  return torchArchive(new Map(nanoGptContents(280, 8, value)));
}

test("nanoGPT's checkpoint, with the tokenizer of another folder or file", async () => {
  await mkdir(join(folder, 'nano'));
  await writeFile(join(folder, 'nano', 'ckpt.pt'), checkpoint(0.5));
  await bad('import nano -o nano-1', 1, /nano\/ckpt\.pt has no tokenizer beside it, .* \(--tokenizer\)/);
  await good('export -m gpt2 --to tokenizer -o basic.model');
  for (const [i, tokenizer] of ['theirs', 'gpt2/best', 'basic.model'].entries()) {
    const [facts] = jsonLines<{ from: string; vocabSize: number }>(
      await good(`import nano -o nano-${i} --tokenizer ${tokenizer} --json`),
    );
    assert.deepEqual([facts.from, facts.vocabSize], ['nanoGPT', 280]);
  }
  await good('generate -m nano-0 --tokens 3');
  await writeFile(join(folder, 'nano', 'ckpt.pt'), checkpoint(Number.NaN));
  const damaged = /^inkhorn: nano\/ckpt\.pt: tensor \S+ holds NaN at element 0: the model is damaged$/;
  await bad('import nano -o nano-nan -t theirs', 1, damaged);
  const before = await readdir(join(folder, 'nano-0'));
  await bad('import nano -o nano-0 -t theirs --force', 1, damaged);
  assert.deepEqual(await readdir(join(folder, 'nano-0')), before);
  assert.ok(!(await readdir(folder)).includes('nano-nan'));
});

test('a tokenizer alone becomes a tokenizer.json', async () => {
  await good('export -m gpt2 --to tokenizer -o basic.tiktoken');
  await bad('import basic.tiktoken -o ranks', 2, /does not hold its pattern.*give --pattern/);
  await bad(
    'import basic.tiktoken -o ranks -t basic.model',
    2,
    /is a tokenizer itself: leave out --tokenizer/,
  );
  const ranks = await good('import basic.tiktoken -o ranks --pattern none');
  assert.match(ranks.stdout, /^ranks: tiktoken, 280 tokens; tokenizer\.json, tokenizer_config\.json, /);
  const { stdout } = await good('import basic.model -o tokens');
  assert.match(stdout, /^tokens: minbpe, 280 tokens; tokenizer\.json, tokenizer_config\.json, /);
  const [ours, theirs] = [
    await good('tokenizer encode -t tokens/tokenizer.json the-moon'),
    await good('tokenizer encode -m gpt2 the-moon'),
  ];
  assert.equal(ours.stdout, theirs.stdout);
});

test('one line says what is wrong, and nothing is written', async () => {
  await bad('import nowhere -o new', 2, /nowhere: there is no such file or folder/);
  await bad('import theirs', 2, /--out is missing: name the folder to write/);
  await bad('import theirs -o theirs', 2, /--out theirs is the folder of the model itself/);
  await bad('import theirs -o gpt2', 2, /--out gpt2 is not empty/);
  await bad('import theirs -o new -t nowhere', 2, /--tokenizer nowhere: there is no such file or folder/);
  await bad('import theirs -o new --pattern gpt2', 2, /--pattern and --special belong to a \.tiktoken file/);
  await bad('import text.txt -o new', 1, /text\.txt is text: it cannot be imported; what can is a folder of/);
  await bad('import gpt2/best -o new', 1, /gpt2\/best is a model folder of Inkhorn already/);
  assert.ok(!(await readdir(folder)).includes('new'));
});
