// Bad input: one line that names value, limit and fix, exit code 2 (misused) or 1 (failed), no stack trace,
// and nothing lost.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inkhorn, inkhornBatch, type Result, sentences } from './cli-process.ts';

const SMALL =
  '--preset tiny --n-layer 1 --n-embd 8 --n-head 1 --block-size 8 --batch-size 2 --vocab-size 260 --steps 2 ' +
  '--eval-every 2 --probe-every 0 --sample-every 0';

let folder: string;
/** The results of all cases, in their order. */
let results: Result[];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-misuse-'));
  await writeFile(join(folder, 'text.txt'), sentences(60));
  await writeFile(join(folder, 'short.txt'), 'too short');
  await writeFile(join(folder, 'empty.txt'), '');
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken/history.json'), '{"events": [');
  for (const [name, fields] of Object.entries({
    typo: { nLayers: 2 },
    vocab: { vocabSize: 99 },
    size: { vocabSize: 300 },
    rates: { minLr: 0.1, lr: 0.01, schedule: 'linear' },
    warmup: { warmup: 50, steps: 10 },
    idle: { decayFraction: 0.5 },
    heads: { nHead: 7, nEmbd: 16 },
    nested: { model: { nLayer: 2 } },
    flag: { data: 'text.txt' },
    words: { learning_rate: 1 },
    strange: { bogus: 1 },
  }))
    await writeFile(join(folder, `${name}.json`), JSON.stringify(fields));
  await writeFile(join(folder, 'comma.json'), '{"steps": 5,}');
  await writeFile(join(folder, 'text2.txt'), 'other words of some other book '.repeat(50));
  for (const name of ['run', 'other']) {
    const size = name === 'run' ? SMALL : SMALL.replace('260', '270');
    const { code, stderr } = await inkhorn(folder, `train --data text.txt --out ${name} ${size}`.split(' '));
    assert.equal(code, 0, stderr);
  }
  for (const name of ['truncated', 'foreign', 'page', 'zip', 'mixed', 'swapped', 'poisoned'])
    await cp(join(folder, 'run/best'), join(folder, name), { recursive: true });
  const model = await readFile(join(folder, 'run/best/model.safetensors'));
  await truncate(join(folder, 'truncated/model.safetensors'), model.length - 100);
  await writeFile(join(folder, 'foreign/model.safetensors'), 'not a model at all');
  await writeFile(join(folder, 'page/model.safetensors'), '<!DOCTYPE html>\n<title>Sign in</title>\n');
  for (const name of ['zip/model.safetensors', 'zip.tiktoken'])
    await writeFile(join(folder, name), `PK\x03\x04\x14${'\0'.repeat(60)}`);
  await cp(join(folder, 'other/best/tokenizer.json'), join(folder, 'mixed/tokenizer.json'));
  const trained = 'tokenizer train --data text2.txt --vocab-size 260 --force --out swapped/tokenizer.json';
  assert.equal((await inkhorn(folder, trained.split(' '))).code, 0);
  model.writeUInt32LE(0x7fc00000, model.length - 4); // NaN
  await writeFile(join(folder, 'poisoned/model.safetensors'), model);
  // Runs whose last checkpoint is not one to go on from.
  const int8 = 'quantize -m run -o int8 --speed-tokens 0 --max-tokens 16';
  assert.equal((await inkhorn(folder, int8.split(' '))).code, 0);
  for (const name of ['whole', 'moments'])
    await cp(join(folder, 'run'), join(folder, name), { recursive: true });
  await cp(join(folder, 'int8/model.safetensors'), join(folder, 'whole/last/model.safetensors'));
  const MOMENTS = 'last/training.safetensors';
  await cp(join(folder, 'other', MOMENTS), join(folder, 'moments', MOMENTS));
  process.env.VK_DRIVER_FILES = join(folder, 'no-driver.json');
  const lines = Object.values(cases).flat();
  results = await inkhornBatch(
    folder,
    lines.map(([line]) => line.split(' ')),
  );
});

after(() => rm(folder, { recursive: true }));

/** A command line, its exit code, and what its one line must contain. */
type Case = readonly [line: string, code: 1 | 2, says: RegExp];

const EARLY = 'options that cannot work, before a word about an engine';

/** Why WebGPU does not work where no driver is, or no package. */
const NO_GPU = /VK_DRIVER_FILES=.* names no driver|libvulkan|optional package webgpu/;

const cases: Record<string, readonly Case[]> = {
  // What would come next fails, too: nothing is read, trained or printed before the engine has started.
  'an engine that was named and cannot start': [
    'train --data nowhere.txt --out new',
    'train --resume run --steps 9 --data nowhere.txt',
    'generate -m run --prompt-file nowhere.txt',
    'eval -m run --data nowhere.txt',
    'inspect -m run --text-file nowhere.txt',
    'inspect tokens -m run --text-file nowhere.txt',
    'quantize -m run -o new --data nowhere.txt',
    'compare run run --data nowhere.txt',
    'demo --data nowhere.txt --out new',
    'summary --preset tiny --measure',
    'bench',
  ].map((line): Case => [`${line} --backend webgpu`, 1, NO_GPU]),
  [EARLY]: [
    ['generate --stop=', 2, /--stop '' is not a text of one character or more$/],
    ['generate --start token0 --prompt x', 2, /--start 'token0' has no effect with a prompt/],
    ['quantize -m run -o new --method rtn', 2, /--method 'rtn' is for --bits 4/],
    ['quantize -m run -o new --exclude foo', 2, /--exclude 'foo' is none of the weights/],
    ['quantize -m run -o new --bits 4', 2, /\(8 to 32 columns\), and INT4 .*: use --bits 8/],
    ['generate -m run --logprobs 261', 2, /--logprobs 261 is not a whole number from 0 to 260/],
    ['generate -m run --edit blocks.7.mlp.act=0', 2, /no tap fits 'blocks\.7\.mlp\.act'/],
    ['generate -m run --edit blocks.0.mlp.act[99]=0', 2, /blocks\.0\.mlp\.act has no \S+ 99/],
    ['generate -m run --edit x', 2, /'x' is no edit: write .*, such as 'blocks\.0\.attn/],
  ],
  'commands and flags': [
    ['fly', 2, /unknown command 'fly'/],
    ['trian', 2, /unknown command 'trian': did you mean `(npx )?inkhorn train`\?/],
    ['help trian', 2, /did you mean `(npx )?inkhorn train`\?/],
    ['help inspect lnes', 2, /of inspect: did you mean `(npx )?inkhorn inspect lens`\?/],
    ['inspect lnes', 2, /of inspect: did you mean `(npx )?inkhorn inspect lens`\?/],
    ['tokenizer enocde', 2, /of tokenizer: did you mean `(npx )?inkhorn tokenizer encode`\?/],
    ['encode text.txt', 2, /did you mean `inkhorn data encode` or `inkhorn tokenizer encode`\?/],
    ['tokenizer sing', 2, /unknown command 'sing'/],
    ['data fecth', 2, /'fecth' of data: did you mean `(npx )?inkhorn data fetch`\?/],
    ['data sing', 2, /of data: there are fetch, show/],
    ['train --data text.txt --out new --eval-every -1', 2, /--eval-every -1 is not a whole number >= 0/],
    [
      'train --data text.txt --out new --eval-batches 9',
      2,
      /--eval-batches has no effect without --eval-method sampled/,
    ],
    [
      'train --data text.txt --out new --eval-every 0 --eval-method sampled',
      2,
      /--eval-method has no effect without --eval-every above 0/,
    ],
    ['train --data text.txt --out new --momentum 0.5', 2, /--momentum has no effect without --optimizer sgd/],
    [
      'train --data text.txt --out new --muon-lr 0.5 --optimizer sgd',
      2,
      /--muon-lr has no effect without --optimizer muon/,
    ],
    [
      'train --data text.txt --out new --lr 0.01 --min-lr 0.1 --schedule linear',
      2,
      /--min-lr 0.1 is above --lr 0.01.*lower --min-lr/,
    ],
    [
      'train --data text.txt --out new --beta1 0.5 --optimizer sgd',
      2,
      /--beta1 has no effect without --optimizer adamw or muon/,
    ],
    [
      'train --data text.txt --out new --decay-fraction 0.5 --schedule linear',
      2,
      /--decay-fraction has no effect without --schedule wsd/,
    ],
    [
      'train --data text.txt --out new --min-lr 0.1 --schedule constant',
      2,
      /without --schedule cosine, .*wsd/,
    ],
    ['help train faster', 2, /unknown command 'faster' of train, which has no commands of its own$/],
    ['train --stps 5', 2, /unknown option '--stps' \(Did you mean --steps\?\)/],
    ['generate --tmpr 1', 2, /unknown option '--tmpr' \(Did you mean --temperature\?\)/],
    ['inspect --stp 2', 2, /unknown option '--stp': `inkhorn generate` has --stop, this command has not$/],
    [
      'tokenizer --vocb 300',
      2,
      /'--vocb': `inkhorn tokenizer train` has --vocab-size, this command has not$/,
    ],
    ['train --step 5', 2, /--step.*Did you mean --steps/],
    ['generate -model run', 2, /unknown option '-model' \(Did you mean --model\?\)/],
    ['generate -temp 1', 2, /unknown option '-temp' \(Did you mean --temperature\?\)/],
    ['generate --temp 1', 2, /Did you mean --temperature\?/],
    ['generate --max-tokens 9', 2, /Did you mean --tokens\?/],
    ['train --learning-rate 1', 2, /Did you mean one of --lr, /],
    ['train --nLayer 2', 2, /Did you mean --n-layer\?/],
    ['train --warm_up 2', 2, /Did you mean --warmup\?/], // one that only --help-all shows
    ['--model run', 2, /belongs to a command, as in `inkhorn generate --model run`/],
    ['tokenizer --vocab-size 9', 2, /belongs to a command, as in `inkhorn tokenizer train --vocab-size 9`/],
    ['eval --prompt x', 2, /unknown option '--prompt': `inkhorn generate` has it/],
    ['generate runs/x', 2, /nothing at that path; did you mean --model for a folder, --prompt for words\?/],
    ['train no.txt', 2, /nothing at that path; did you mean --data\?/],
    ['tokenizer show 1 2', 2, /did you mean inkhorn tokenizer decode 1 2\?/],
    ['data list more', 2, /one argument too many/],
    ['generate --model', 2, /argument missing/],
    ['generate --model=', 2, /--model '' is not a text of one character or more/],
    ['eval --data=', 2, /--data '' is not/],
    ['train --steps=', 2, /--steps '' is not a whole number >= 1/],
    [
      'train --steps 99999999999999999999',
      2,
      /--steps 99999999999999999999 is not a whole number from 1 to 9007199254740991/,
    ],
    [
      'train --data no.txt --out new --preset seed --backend wasm --micro-batch 999 --batch-size 999',
      2,
      /takes 19\.\d+ GB, with 999 .* the engine wasm has at most 4\.29 GB here: --micro-batch 124 takes 2\.\d+ GB; or/,
    ],
    ['generate --model run --model run', 2, /--model is given twice/],
    ['eval run', 2, /"run" is one argument too many: .* did you mean --model run\?/],
    ['eval text.txt', 2, /did you mean --data text\.txt\?/],
    ['generate ROMEO:', 2, /did you mean --prompt ROMEO:\?/],
    [`generate ${'a'.repeat(300)}`, 2, /did you mean --prompt a{300}\?/], // longer than any file's name
    ['generate To be or', 2, /did you mean --prompt 'To be or'\?/],
    ['generate run', 2, /did you mean --model run\?/],
    ['train text.txt', 2, /did you mean --data text\.txt\?/],
    ['train run', 2, /did you mean --resume run\?/],
    ['demo moby-dick', 2, /did you mean --data moby-dick\?/],
    ['summary seed', 2, /did you mean --preset seed\?/],
    ['summary run', 2, /did you mean --model run\?/],
    ['quantize run', 2, /did you mean --model run\?/],
    ['inspect run', 2, /of inspect: .*did you mean --model run\?/],
    ['inspect helth', 2, /of inspect: did you mean `(npx )?inkhorn inspect health`\?/],
    ['inspect sing', 2, /of inspect: there are .*ablate$/m],
    ['tokenizer encode To be', 2, /one text, in quotes: `inkhorn tokenizer encode 'To be'`\?/],
    [
      'inspect edit --edit x',
      2,
      /unknown option '--edit': it is an argument, .*blocks\.0\.attn\.heads\[2\]@-1=0/,
    ],
    ['inspect edit x', 2, /'x' is no edit: write .* such as 'blocks\.0\.attn\.heads\[2\]@-1=0'/],
    ['inspect tokens To be', 2, /did you mean --text 'To be'\?/],
    ['inspect health run', 2, /did you mean --model run\?/],
    ['tokenizer train text.txt', 2, /did you mean --data text\.txt\?/],
    ['tokenizer show run', 2, /did you mean --model run\?/],
    ['data text.txt', 2, /did you mean inkhorn data show text\.txt\?/],
    ['bench now', 2, /one argument too many/],
    [
      'compare run',
      2,
      /missing required argument <after> \(model folder or run folder\): `inkhorn compare <before> <after>`/,
    ],
    ['doctor --fast', 2, /unknown option '--fast'/],
  ],
  'values out of range': [
    ['generate -m run --tokens 0', 2, /--tokens 0 is not a whole number >= 1/],
    ['generate -m run --tokens ten', 2, /--tokens ten/],
    ['generate -m run --temperature -1', 2, /--temperature -1 is not a number >= 0/],
    ['generate -m run --top-p 1.5', 2, /--top-p 1.5 is not a number > 0 and <= 1: 1 draws from all/],
    ['generate -m run --top-k 0.5', 2, /--top-k 0.5 is not a whole number >= 1: leave it out/],
    ['generate -m run --logprobs 999', 2, /: --logprobs 999.*from 0 to 260/],
    ['generate -m run --overflow wrap', 2, /--overflow wrap is not one of slide, shift/],
    ['generate -m run --backend gpu', 2, /--backend gpu is not one of auto, native, webgpu, wasm, reference/],
    [
      'train --data text.txt --out new --backend wsm',
      2,
      /^inkhorn: --backend wsm is not one of auto, native/,
    ],
    ['bench --backend nope', 2, /^inkhorn: --backend nope is not one of auto/],
    ['generate -m run --precision f16', 2, /--precision f16 is not one of f32, bf16/],
    ['train --resume run --precision bf16', 2, /only --steps can change, not --precision/],
    ['generate -m run --threads 0', 2, /--threads 0.*from 1 to 256/],
    ['train --data text.txt --out new --vocab-size 200', 2, /--vocab-size 200.*>= 256/],
    [
      'train --data text.txt --out new --preset huge',
      2,
      /--preset huge is not one of tiny, seed, shakespeare, speedrun, portable/,
    ],
    [
      'train --data text.txt --out new --n-head 7 --n-embd 16',
      2,
      /: --n-head 7 does not divide --n-embd 16: set --head-size/,
    ],
    [
      'train --data text.txt --out new --steps 10 --schedule wsd --warmup 8 --decay-fraction 0.5',
      2,
      /--warmup 8 and the decay of 5 steps \(--decay-fraction 0.5\) are longer than the run: --steps is 10/,
    ],
    ['train --data text.txt --out new --steps 10 --warmup 11', 2, /warmup 11 is longer than the run/],
    ['train --data text.txt --out new --ema-decay 1', 2, /--ema-decay 1 .*from 0 to 0.999999/],
    ['train --data text.txt --out new --label-smoothing 1.5', 2, /--label-smoothing 1.5 .*from 0 to 1/],
    ['train --data text.txt --out new --layer-decay 0', 2, /--layer-decay 0 .*from 0.001 to 1/],
    [
      'train --data text.txt --out new --dropout 0.4 --dropout-rise 0.6',
      2,
      /--dropout-rise 0.6 takes dropout from 0.4 to 1, which is not in \[0, 1\)/,
    ],
    [
      'train --data text.txt --out new --head-rate 0.5',
      2,
      /--head-rate 0.5 acts on nothing: .* --embed-rate, or --no-tie-weights/,
    ],
    ['train --data text.txt --out new --dropout 1', 2, /: --dropout 1 is not a number >= 0 and < 1/],
    ['train --data text.txt --out new --n-embd 1e9 --head-size 8', 2, /--n-embd 1000000000 .* in one matrix/],
    [
      'train --data text.txt --out new --batch-size 1000000000',
      2,
      /--batch-size 1000000000 .* 65536 sequences/,
    ],
    [
      'train --data text.txt --out new --config comma.json',
      2,
      /--config comma\.json: the file is not valid JSON: .*[^-]position 12/,
    ],
    ['train --data text.txt --out new --config nowhere.json', 2, /nowhere\.json: there is no such file/],
    [
      'train --data text.txt --out new --config typo.json',
      2,
      /typo\.json: unknown field 'nLayers': did you mean 'nLayer'/,
    ],
    [
      'train --data text.txt --out new --config rates.json',
      2,
      /--config rates\.json: minLr 0\.1 is above lr 0\.01, which falls to it: lower minLr$/m,
    ],
    [
      'train --data text.txt --out new --config rates.json --lr 0.02',
      2,
      /--config rates\.json: minLr 0\.1 is above --lr 0\.02, which falls to it: lower minLr$/m,
    ],
    [
      'train --data text.txt --out new --config rates.json --lr 0.02 --min-lr 0.3',
      2,
      /inkhorn: --min-lr 0\.3 is above --lr 0\.02, which falls to it: lower --min-lr$/m,
    ],
    [
      'train --data text.txt --out new --config warmup.json',
      2,
      /warmup\.json: warmup 50 is longer than the run: steps is 10$/m,
    ],
    [
      'train --data text.txt --out new --config idle.json',
      2,
      /idle\.json: decayFraction 0\.5 has no effect without --schedule wsd/,
    ],
    [
      'train --data text.txt --out new --config heads.json',
      2,
      /heads\.json: nHead 7 does not divide nEmbd 16: set --head-size/,
    ],
    [
      'train --data text.txt --out new --config nested.json',
      2,
      /nested\.json: 'model' holds an object: all fields stand side by side .*"nLayer": 4/,
    ],
    [
      'train --data text.txt --out new --config flag.json',
      2,
      /'data' is no field of the file: give --data$/m,
    ],
    ['train --data text.txt --out new --config words.json', 2, /'learning_rate': did you mean 'lr'\?/],
    [
      'train --data text.txt --out new --config strange.json',
      2,
      /'bogus': `(npx )?inkhorn train --help-all`/,
    ],
    ['train --data text.txt --out new --config vocab.json', 2, /vocabSize 99 is not a whole number >= 256/],
    [
      'train --data text.txt --out new --config size.json --tokenizer run/best/tokenizer.json',
      2,
      /has 260 tokens.*vocabSize 300/,
    ],
    ['quantize -m run -o new --bits 3', 2, /--bits 3 is not one of 4, 8/],
    ['export -m run', 2, /--to is missing: hf \(a folder .*tokenizer \(/],
    ['export -m run --to hf', 2, /--out is missing: name the folder to write/],
    ['export -m run --to safetensors', 2, /--out is missing: name the file to write/],
    ['export -m run --to pickle -o new', 2, /--to pickle is not one of hf, /],
    ['export -m run --to hf -o new --dtype float16', 2, /--dtype float16 is not one of float32, bfloat16/],
    [
      'export -m run --to tokenizer -o new.json --dtype float32',
      2,
      /--dtype float32 has no effect with target tokenizer: only hf, safetensors have it/,
    ],
    ['export -m run --to tokenizer -o new', 2, /--out new: the ending says .* \.json \(json\), \.tiktoken/],
    ['export -m run --to gguf -o new --type Q3', 2, /--type Q3 is not one of F32, F16/],
    ['export -m run --to hf -o new --type F16', 2, /--type F16 has no effect with target hf: only gguf/],
    ['export -m run --to onnx -o new --type F16', 2, /--type F16 is not one of float32, int8, int4, which/],
    ['export -m run --to onnx -o new --type int4', 2, /--type int4 needs rows of 32 columns or more/],
    ['export -m run --to hf -o new', 2, /cannot express this model: .*no head bias .*preset portable/],
    ['export -m nowhere --to hf -o new', 2, /there is no model folder nowhere/],
    ['export -m run --to hf -o run/best --force', 2, /the folder of the model itself/],
    ['export -m run --to hf -o run --force', 2, /the folder of a run/],
    ['export -m run --to hf -o run/last --force', 2, /a checkpoint of the run run/],
    ['export -m run --to safetensors -o run/best/model.safetensors --force', 2, /a file of the model itself/],
    ['export -m run --to safetensors -o text.txt', 2, /--out text\.txt exists: .*--force/],
    ['export -m run --to safetensors -o run', 2, /--out run is a folder: name a file/],
    ['export -m run --to safetensors -o pipe --force', 2, /--out pipe is a device or a pipe, not a file/],
    ['train --from run --data text2.txt --out run --force', 2, /--out run holds the model run.best, which/],
    [
      'train --from run/best --data text2.txt --out run/best',
      2,
      /--out run\/best holds the model run.best, /,
    ],
    ['train --distill run --data text.txt --out run --force', 2, /--out run holds the model run.best, which/],
    ['export -m run --to safetensors -o new/', 2, /--out new\/ ends as a folder does: name a file/],
    ['export -m run --to safetensors -o -', 2, /--out -: nothing is written to standard output/],
    ['export -m run --to hf -o text.txt', 2, /--out text\.txt/],
    ['import run -o new', 2, /run is a run of Inkhorn already: every command takes it as --model/],
    ['export run --to hf -o new', 2, /did you mean --model run\?/],
    ['quantize -m nowhere -o new --group-size 32', 2, /--group-size 32 is for --bits 4/],
    ['quantize -m nowhere -o new --bits 4 --group-size 16', 2, /--group-size 16 is not one of 32, 64, 128/],
    ['quantize -m run -o new --exclude tail', 2, /--exclude 'tail' is none of the weights/],
    ['eval -m run --train-fraction 2', 2, /--train-fraction 2 is not a number > 0 and < 1/],
    ['eval -m run --train-fraction 1', 2, /--train-fraction 1 is not a number > 0 and < 1: 0.9 trains on/],
    ['inspect -m run --text a', 2, /--text has 1 token/],
    ['inspect lens -m run --text=', 2, /--text has 0 tokens: at least one/],
    [
      `inspect attention -m run --text ${'a'.repeat(60)}`,
      2,
      /has \d+ tokens, the context of the model 8: shorten/,
    ],
    [
      'inspect taps blocks.1.mlp.acts -m run',
      2,
      /no tap fits 'blocks\.1\.mlp\.acts': the nearest are blocks\.1\.mlp\.act,/,
    ],
    ['inspect taps blocks.2.out -m run', 2, /the model has 1 block, number 0/],
    ['inspect edit -m run', 2, /edit/],
    ['inspect edit oops -m nowhere', 2, /'oops' is no edit: write TAP/],
    ['generate -m nowhere --edit oops', 2, /'oops' is no edit: write TAP/],
    ['inspect tokens -m nowhere --text a --allow-special --special-as-text', 2, /contradict/],
    ['inspect edit blocks.0.out -m run', 2, /'blocks\.0\.out' is no edit: write TAP/],
    ['inspect edit blocks.0.attn.heads[7]=0 -m run', 2, /has no head 7: it has 1 head, number 0/],
    ['inspect embedding -m run --token=', 2, /token/],
    ['inspect health --model foreign', 2, /foreign: no history\.json: give the folder of a run/],
    ['tokenizer encode -t run/best/tokenizer.json --allow-special --special-as-text a', 2, /contradict/],
    ['tokenizer decode -m run 9999', 2, /"9999" is not a token id.*to 259/],
    ['tokenizer decode -m run a', 2, /"a" is not a token id/],
  ],
  'texts that will not do': [
    ['train --out new', 2, /--data is missing/],
    ['train --data nowhere.txt --out new', 2, /nowhere\.txt/],
    ['demo --data nowhere.txt --out new', 2, /nowhere\.txt/],
    ['train --data empty.txt --out new', 2, /empty/],
    ['train --data short.txt --out new --vocab-size 256', 2, /token/],
    [
      'train --data short.txt --out new --train-fraction 0.99',
      2,
      /too short .* 8 and 1 of them, .*: use --train-fraction 0\.5, or .*with --train-fraction 0\.99 that takes 101\)/,
    ],
    [
      'train --data text.txt --out new --block-size 2048',
      2,
      /a window needs 2049: use a longer text or a --block-size below/,
    ],
    [
      'train --data nowhere.txt --out new --train-fraction 1',
      2,
      /--train-fraction 1 is not a number > 0 and < 1/,
    ],
    [
      'train --data nowhere.txt --out new --tokenizer nowhere.json',
      2,
      /nowhere\.json: there is no such file/,
    ],
    ['train --data nowhere.txt --out new --probe-taps blocks.0.mlp.akt', 2, /no tap fits/],
    [
      'tokenizer train --data short.txt --out t.json --vocab-size 5000',
      2,
      /: --vocab-size 5000 is more than 9 bytes/,
    ],
    ['data show nowhere', 2, /no file or folder "nowhere"/],
    ['data fetch nowhere', 2, /no text named nowhere/],
  ],
  'folders and files that will not do': [
    ['generate --model nowhere', 2, /no model folder nowhere/],
    [
      'generate --model text.txt',
      2,
      /text\.txt is a file: a model is a folder, .*`inkhorn train --data text\.txt --out DIR` makes one/,
    ],
    ['compare run run/best/config.json', 2, /did you mean the model folder that it is in, run\/best\?/],
    ['generate --model cache-or-so/../', 2, /no model folder/],
    ['generate --model .', 2, /neither a model folder/],
    ['generate --model truncated', 1, /truncated\/model\.safetensors/],
    ['generate --model foreign', 1, /foreign\/model\.safetensors/],
    ['generate --model page', 1, /page\/model\.safetensors: no safetensors file, but HTML, such as a server/],
    ['generate --model zip', 1, /zip\/model\.safetensors: no safetensors file, but a ZIP archive/],
    ['tokenizer encode -t zip/model.safetensors a', 1, /is not valid JSON: it is a ZIP archive/],
    ['tokenizer encode -t zip.tiktoken --pattern gpt2 a', 1, /zip\.tiktoken: no \.tiktoken file, but a ZIP/],
    ['train --resume nowhere', 2, /--resume nowhere: there is no such folder$/],
    ['generate --model mixed', 1, /tokenizer has 270 tokens, the model 260/],
    ['generate --model swapped', 1, /not the tokenizer that this model was trained with/],
    ['generate --model poisoned', 1, /NaN/],
    ['eval --model truncated --data text.txt', 1, /truncated\/model\.safetensors/],
    ['compare run other', 2, /different tokenizers/],
    ['quantize --model int8-not-there --out new', 2, /no model folder/],
    ['tokenizer encode -t text.txt a', 1, /text\.txt/],
    [
      'tokenizer encode -t run/best a',
      2,
      /it is a folder, not a file: did you mean run\/best\/tokenizer\.json\?/,
    ],
    ['tokenizer encode -t nowhere.json a', 2, /nowhere\.json: there is no such file/],
    ['tokenizer encode -t a.json -m run a', 2, /both given/],
  ],
  'outputs that are there already': [
    [`train --data text.txt --out run ${SMALL}`, 2, /--force.*--resume/],
    ['train --data text.txt', 2, /--out is missing/],
    ['quantize --model run --out other', 2, /--out other is not empty/],
    ['quantize --model run --out run/best --force', 2, /folder of the model itself/],
    ['quantize --model run --out run/last --force', 2, /a checkpoint of the run run, which goes on from it/],
    [
      'quantize --model run/best --out run --force',
      2,
      /--out run is the folder of a run: take a folder inside the run, run\/int8/,
    ],
    [`train --data text.txt --out text.txt ${SMALL}`, 2, /--out text\.txt: a file is where a folder/],
    ['quantize --model run --out text.txt', 2, /--out text\.txt/],
    ['inspect --model run --out other', 2, /--out other is not empty/],
    ['tokenizer train --data text.txt --out text.txt', 2, /--out text\.txt exists/],
    ['tokenizer train --data text.txt --out run', 2, /--out run is a folder/],
    [
      `train --data text.txt --out new ${SMALL.replace('--probe-every 0', '--probe-every 1')} --probe-taps blocks.0.mlp.akt`,
      2,
      /nearest are blocks\.0\.mlp\.act/,
    ],
    [`train --data text.txt --out new ${SMALL} --probe-taps logits`, 2, /--probe-every above 0/],
    ['generate --model run --edit blocks.0.attn.heads[9]=0', 2, /has no head 9/],
    ['generate --model run --edit embed@-1=0', 2, /leave @-1 out/],
    ['inspect health', 2, /--model is missing: name the folder of a run/],
    ['generate --model run --edit embed<-x', 2, /another text/],
    ['train --resume nowhere', 2, /--resume nowhere/],
    ['train --resume whole --steps 9', 1, /whole\/last: \S+ is INT8: only a float model can be trained/],
    ['summary --model run --preset seed', 2, /both given/],
    ['summary --model run --n-layer 3', 2, /--n-layer has no effect on a model/],
    ['summary --preset seed --threads 1', 2, /--threads has no effect without --measure/],
    ['summary --preset seed --n-head 7', 2, /: --n-head 7 does not divide/],
    ['report', 2, /no run is named/],
    ['report text.txt', 2, /text\.txt is a file: name the folder of a run/],
    ['report nowhere', 2, /there is no folder nowhere: name the folder of a run/],
    ['report zip', 2, /zip: no history\.json: give the folder of a run/],
    ['report run broken', 2, /broken\/history\.json: the file is not valid JSON/],
    ['report run --out other', 2, /--out other is not empty/],
    ['report run --force', 2, /--force has no effect without --out/],
    ['report run --data text.txt', 2, /--data has no effect without --card/],
    ['report run whole --card', 2, /--card is of one run, not of 2: name one/],
  ],
};

let number = 0;
for (const [kind, list] of Object.entries(cases)) {
  describe(kind, () => {
    for (const [line, code, says] of list) {
      const index = number++;
      test(`inkhorn ${line}`, () => {
        checkRefusal(results[index], code, says);
        if (kind === EARLY) assert.doesNotMatch(results[index].stderr, /^engine: /m);
      });
    }
  });
}

function checkRefusal({ code, stdout, stderr, errors }: Result, wanted: number, says: RegExp): void {
  assert.equal(code, wanted, stderr);
  assert.equal(errors.length, 1, stderr);
  assert.match(errors[0], says);
  assert.doesNotMatch(stderr, /^\s+at (?!.*\.cpp:\d+\)$)/m, 'a stack trace');
  assert.equal(stdout, '');
}

test('moments of another model are refused by the folder that they are in', async () => {
  const { code, errors } = await inkhorn(folder, 'train --resume moments --steps 9'.split(' '));
  assert.equal(code, 1);
  assert.match(errors.join(), /moments\/last has no moment .*: it is of another model or recipe/);
});

describe('in a process of its own', () => {
  for (const [line, code, says] of [
    cases['commands and flags'][0],
    cases['folders and files that will not do'][5],
  ]) {
    test(`inkhorn ${line}`, async () => checkRefusal(await inkhorn(folder, line.split(' ')), code, says));
  }
});

test('what was refused left nothing behind', async () => {
  const entries = await readdir(folder);
  for (const name of ['new', 't.json']) assert.ok(!entries.includes(name), name);
  assert.equal(await readFile(join(folder, 'text.txt'), 'utf8'), sentences(60));
});
