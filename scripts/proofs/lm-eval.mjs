// lm-eval, which knows nothing of Inkhorn, measures the bundled model through `inkhorn serve` and must find
// what `inkhorn eval` finds: the loss on the validation part of Tiny Shakespeare, to 1e-3 nats per token. It
// does not belong to the tests: it installs lm-eval from PyPI, into a folder of its own, and takes minutes.
//
//   node scripts/proofs/lm-eval.mjs [--data ../shared/data/tinyshakespeare.txt] [--venv FOLDER]
//
// Needs Python 3.10 or later with venv, and a built Inkhorn.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dataset, Tokenizer } from 'inkhorn';

const VERSION = '0.4.13';
const TOLERANCE = 1e-3;

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'dist/src/cli/main.js');
const model = join(root, 'models/shakespeare');
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-lm-eval-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(root, '../shared/data/tinyshakespeare.txt') },
    venv: { type: 'string', default: join(folder, 'venv') },
  },
});
const python = join(values.venv, 'bin/python');
if (!existsSync(python)) {
  run('python3', ['-m', 'venv', values.venv]);
  run(python, ['-m', 'pip', 'install', '--quiet', `lm-eval[api]==${VERSION}`]);
}

// The validation part as the text that lm-eval gets, and its first token as what stands before: windows are
// then the same as those of `inkhorn eval`. A text may be cut into other tokens at its beginning than in the
// middle.
const tokenizer = Tokenizer.fromJSON(JSON.parse(readFileSync(join(model, 'tokenizer.json'), 'utf8')));
const { val } = dataset(readFileSync(values.data), tokenizer);
const from = Array.from({ length: 100 }, (_, i) => i).find((i) => {
  const rest = val.subarray(i + 1);
  return Buffer.compare(bytesOf(tokenizer.encode(tokenizer.decode(rest))), bytesOf(rest)) === 0;
});
assert.ok(from !== undefined, 'the validation part is the same tokens wherever it is cut');
const text = tokenizer.decode(val.subarray(from + 1));
writeFileSync(join(folder, 'val.json'), JSON.stringify([{ text }]));
writeFileSync(
  join(folder, 'shakespeare_val.yaml'),
  `task: shakespeare_val
dataset_path: json
dataset_kwargs:
  data_files:
    test: ${join(folder, 'val.json')}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list:
  - metric: bits_per_byte
`,
);
// `inkhorn eval` reads the same tokens, the first of them as the one that nothing predicts.
writeFileSync(join(folder, 'val.txt'), tokenizer.decodeBytes(val.subarray(from)));
run(process.execPath, [
  main,
  'quantize',
  '-m',
  model,
  '--out',
  join(folder, 'int8'),
  '--data',
  values.data,
  '--max-tokens',
  '2048',
]);

for (const [weights, evaluated] of [
  ['saved', model],
  ['int8', join(folder, 'int8')],
]) {
  const { loss } = JSON.parse(
    run(process.execPath, [
      main,
      'eval',
      '-m',
      evaluated,
      '--data',
      join(folder, 'val.txt'),
      '--split',
      'all',
      '--json',
    ]),
  );
  const server = spawn(
    process.execPath,
    [main, 'serve', '-m', model, '--weights', weights, '--port', '0', '--json', '--max-body', '2000'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = await once(server.stdout, 'data');
  const { url } = JSON.parse(line);
  const out = join(folder, `results-${weights}`);
  mkdirSync(out);
  // The context and two more: one for the token that lm-eval asks for, and the last of a window is not read.
  const args = `model=shakespeare,base_url=${url}v1/completions,max_length=258,custom_prefix_token_id=${val[from]},num_concurrent=1`;
  run(python, [
    ...['-m', 'lm_eval', '--model', 'local-completions', '--model_args', args, '--include_path', folder],
    ...['--tasks', 'shakespeare_val', '--batch_size', '1', '--output_path', out],
  ]);
  server.kill();
  const [file] = readdirSync(out, { recursive: true }).filter((name) => String(name).endsWith('.json'));
  const { results } = JSON.parse(readFileSync(join(out, String(file)), 'utf8'));
  const bits = results.shakespeare_val['bits_per_byte,none'];
  const found = (bits * Math.LN2 * Buffer.byteLength(text)) / (val.length - from - 1);
  console.log(
    `${weights}: lm-eval ${VERSION} finds ${found.toFixed(6)} nats/token, inkhorn eval ${loss.toFixed(6)}, difference ${Math.abs(found - loss).toExponential(1)}`,
  );
  assert.ok(Math.abs(found - loss) <= TOLERANCE, `they differ by more than ${TOLERANCE}`);
}

/** Runs a program and returns what it prints. */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function bytesOf(ids) {
  return Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
}
