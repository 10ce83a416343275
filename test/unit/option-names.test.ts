// The library's errors, with the names of a command's flags.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelFlags, settingFlags } from '../../src/cli/config-flags.ts';
import { LibraryMisuse, misuse } from '../../src/cli/errors.ts';
import { integer, text } from '../../src/cli/flags.ts';
import { inFlags, nameFlags } from '../../src/cli/option-names.ts';

const flags = {
  ...modelFlags,
  ...settingFlags,
  logprobs: integer({ about: '', option: 'topLogprobs' }),
  model: text({ about: '' }),
};

test('names of options become flags, also where a flag has another name', () => {
  for (const [library, cli] of [
    ['nHead 7 does not divide nEmbd 16', '--n-head 7 does not divide --n-embd 16'],
    ['topLogprobs 9 is out of range', '--logprobs 9 is out of range'],
    ['use embedRate, or tieWeights: false', 'use --embed-rate, or --no-tie-weights'],
    ['pass one, or sampleEvery: 0', 'pass one, or --sample-every 0'],
    ['ropeBase 3 has no effect with position learned', '--rope-base 3 has no effect with --position learned'],
    ['without optimizer adamw or muon', 'without --optimizer adamw or muon'],
    ['warmup 9 is longer than the run: steps is 5', '--warmup 9 is longer than the run: --steps is 5'],
  ])
    assert.equal(nameFlags(library, flags), cli);
});

test('ordinary words, paths, names in quotes, and options that the command has no flag for stay', () => {
  for (const message of [
    'the run has 3 steps, and dropout rises',
    'the tokenizer has 270 tokens, the model 260',
    "unknown field 'nLayer'",
    'runs/nLayer/config.json is damaged',
    'settings.nLayer is null',
    'blockSizes are many',
  ])
    assert.equal(nameFlags(message, flags), message);
  assert.equal(nameFlags('nHead 7 and groupSize 3', {}), 'nHead 7 and groupSize 3');
});

test('options that come from a file keep their names, and the file is named', () => {
  const origin = { file: '--config f.json', fields: new Set(['minLr', 'steps']) };
  const said = (message: string): string =>
    (inFlags(new LibraryMisuse(message, origin), flags) as Error).message;
  assert.equal(said('minLr 0.1 is above lr 0.01'), '--config f.json: minLr 0.1 is above --lr 0.01');
  assert.equal(said('warmup 9 is above lr 0.01'), '--warmup 9 is above --lr 0.01');
  assert.equal(said('the run has 3 steps'), 'the run has 3 steps');
});

test('what the command itself says is left alone', () => {
  const own = misuse('--config f.json: nHead 7 is none');
  assert.equal(inFlags(own, flags), own);
});
