// Models for the proofs of exporters: every parameter random, so that a swap of two of them shows; and the
// packages that read them, installed in a temporary folder. `INKHORN_PROOF_PYTHON` names a Python that has
// the packages already, `INKHORN_PROOF_MODULES` a folder with their node_modules.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exportModel } from '../../dist/src/exchange/index.js';
import { folderStore } from '../../dist/src/io/node-store.js';
import {
  GPT,
  generateText,
  makeConfig,
  namedParameters,
  presets,
  Tokenizer,
  tensor,
  useBackend,
} from '../../dist/src/platform/node.js';

export const { backend } = await useBackend('auto');

const TEXT = process.env.INKHORN_PROOF_TEXT ?? '../shared/data/tinyshakespeare.txt';
let text;
/** The whole corpus: Tiny Shakespeare, or the file that INKHORN_PROOF_TEXT names. */
export function corpus() {
  text ??= readFileSync(TEXT, 'utf8');
  return text;
}
export const PROMPT = 'ROMEO:\nO, she';
export const END = '<|endoftext|>';
/** Digits, line ends, spaces before punctuation, other scripts. */
export const odd = "In 1599 , 12345678 men ;\r\n\tnaïve 中文 🖋  isn't  IT'S\n\n x .";

/** A folder that is gone when the process ends. */
export const folder = mkdtempSync(join(tmpdir(), 'inkhorn-proof-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A Python that has these packages. */
export function python(...packages) {
  if (process.env.INKHORN_PROOF_PYTHON) return process.env.INKHORN_PROOF_PYTHON;
  execFileSync('python3', ['-m', 'venv', join(folder, 'venv')], { stdio: 'inherit' });
  const program = join(folder, 'venv/bin/python');
  execFileSync(program, ['-m', 'pip', 'install', '--quiet', ...packages], { stdio: 'inherit' });
  return program;
}

/** An npm package, imported from where it was installed without its scripts; its version; that place. */
export async function npmPackage(name, version) {
  const place = process.env.INKHORN_PROOF_MODULES ?? join(folder, 'npm');
  if (!process.env.INKHORN_PROOF_MODULES) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), '{"private":true}');
    const flags = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', [...flags, `${name}@${version}`], { cwd: place, stdio: 'inherit' });
  }
  const at = join(place, 'node_modules', name);
  const found = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
  const resolve = createRequire(join(place, 'package.json')).resolve;
  const entry = found.exports?.['.']?.import ?? found.exports?.['.']?.node?.import?.default;
  const path = typeof entry === 'string' ? join(at, entry) : resolve(name);
  return { library: await import(pathToFileURL(path).href), version: found.version, place };
}

const tokenizers = new Map();
/** A tokenizer of the corpus; with a special token where that is asked for. */
export function tokenizerOf(pattern, special = false, vocabSize = 500) {
  const key = `${pattern} ${special} ${vocabSize}`;
  if (!tokenizers.has(key))
    tokenizers.set(
      key,
      Tokenizer.train(corpus(), { vocabSize, pattern, specialTokens: special ? [END] : [] }),
    );
  return tokenizers.get(key);
}

/** Normal random numbers, the same in every run. */
function normal(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** A model whose every parameter is random. `round` changes each number. */
export function randomModel(tokenizer, changes, { seed = 1, round = (x) => x } = {}) {
  const base = { blockSize: 64, nLayer: 3, headBias: false, dropout: 0, init: 'gpt2' };
  const config = makeConfig(presets.seed, tokenizer.vocabSize, { ...base, ...changes });
  const model = new GPT(config, { backend });
  const draw = normal(seed);
  for (const [name, parameter] of namedParameters(model)) {
    const isNorm = /norm\d?\.weight$/.test(name);
    const std = /tokens|positions/.test(name) ? 0.2 : 0.06;
    parameter.write(
      Float32Array.from({ length: parameter.size }, () => round(isNorm ? 1 + 0.1 * draw() : std * draw())),
    );
  }
  return model;
}

/** What our own engine says of a model: ids, logits of a window, a greedy continuation. */
export async function expectations(model, tokenizer, tokens = 40) {
  const ids = tokenizer.encode(corpus().slice(0, 4000)).slice(0, model.config.blockSize);
  const logits = await model.forward(tensor(ids, [1, ids.length])).data();
  const prompt = tokenizer.encode(PROMPT);
  const text = await generateText(model, tokenizer, {
    prompt: PROMPT,
    maxTokens: Math.min(tokens, model.config.blockSize - prompt.length),
    temperature: 0,
    heal: false,
  });
  return { ids, logits, prompt, greedy: text };
}

/** Exports into a folder of its own, and writes beside it what the reader must get. */
export async function writeCase(name, { model, tokenizer }, options, tokens) {
  const at = join(folder, name);
  const { notes, files } = await exportModel(folderStore(at), { model, tokenizer }, options);
  const { ids, logits, prompt, greedy } = await expectations(model, tokenizer, tokens);
  writeFileSync(join(at, 'expected-logits.bin'), logits);
  writeFileSync(join(at, 'expected-corpus.bin'), tokenizer.encode(corpus()));
  const expected = { ids: [...ids], prompt: [...prompt], greedy, odd, oddIds: [...tokenizer.encode(odd)] };
  writeFileSync(join(at, 'expected.json'), JSON.stringify({ ...expected, corpus: TEXT, promptText: PROMPT }));
  return { at, notes, files, greedy };
}
