// The command that repeats a run leads to exactly the settings of that run.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shellWord } from '../../src/base/shell.ts';
import { defineCommand } from '../../src/cli/command.ts';
import { createProgram } from '../../src/cli/program.ts';
import { readRecipe, recipeFlags } from '../../src/cli/run-settings.ts';
import { type GPTConfig, makeConfig, type PresetName, presets } from '../../src/model/config.ts';
import { type RunRecipe, trainCommand } from '../../src/runs/train-command.ts';
import { fineTuning, recipes, type TrainSettings } from '../../src/train/settings.ts';

const data = {
  inputs: ['tiny-shakespeare'],
  asBytes: false,
  separator: null,
  ...({ trainFraction: 0.9, validate: 'validation' } as const),
};

function recipe(
  preset: PresetName,
  config: Partial<GPTConfig> = {},
  settings: Partial<TrainSettings> = {},
): RunRecipe {
  return {
    data,
    precision: 'f32',
    split: 'none',
    config: makeConfig(presets[preset], 500, config),
    settings: { ...recipes[preset], ...settings },
  };
}

describe('the command of a run', () => {
  test('is short where a preset says it all', () => {
    for (const preset of ['tiny', 'seed', 'shakespeare'] as const) {
      assert.equal(
        trainCommand(recipe(preset)),
        `inkhorn train --data tiny-shakespeare --preset ${preset} --out runs/again`,
      );
    }
  });

  const cases: [string, RunRecipe][] = [
    ['other sizes', recipe('tiny', { nLayer: 2, nEmbd: 96, nHead: 3, dropout: 0, bias: false })],
    ['a head size of its own', recipe('seed', { nHead: 4, headSize: 50 })],
    ['a wider MLP', recipe('shakespeare', { mlpRatio: 3, activation: 'relu2', tieWeights: true })],
    ['other settings', recipe('seed', {}, { steps: 40, lr: 1e-3, clip: 1, samplePrompt: "O, what's this?" })],
    ['a short run, whose warm-up is shorter', recipe('tiny', {}, { steps: 100, warmup: 10 })],
    ['a short run with a warm-up of its own', recipe('tiny', {}, { steps: 100, warmup: 30 })],
  ];
  for (const [name, run] of cases) {
    test(`comes to the same: ${name}`, async () => {
      let got: unknown;
      const probe = defineCommand({
        examples: [],
        flags: { ...recipeFlags },
        async run({ flags }): Promise<void> {
          const { configFor, settings } = await readRecipe(flags);
          got = { config: configFor(500), settings };
        },
      });
      const words = splitWords(trainCommand(run)).slice(1); // without `inkhorn`
      const own = new Set(['--data', '--out']);
      const rest = words.filter((word, i) => !own.has(word) && !own.has(words[i - 1]));
      const program = await createProgram([{ name: 'train', about: '', load: async () => probe }]);
      await program.parseAsync(rest, { from: 'user' });
      assert.deepEqual(got, { config: run.config, settings: run.settings });
    });
  }

  test('names the model that it went on from, and what was changed of the recipe for that', () => {
    const run = {
      ...recipe('shakespeare', { dropout: 0.2 }, { ...fineTuning(8), steps: 50, warmup: 5, lr: 1e-3 }),
      start: 'runs/first',
    };
    assert.equal(
      trainCommand(run),
      'inkhorn train --data tiny-shakespeare --from runs/first --lora 8 --dropout 0.2 --block-size 256 --steps 50 --lr 0.001 --out runs/again',
    );
  });

  test('names tokenizer, split and precision where they are not the usual ones', () => {
    const run = {
      ...recipe('seed'),
      precision: 'bf16',
      split: 'gpt2',
      data: { ...data, inputs: ['my notes.txt'] },
    } as const;
    assert.equal(
      trainCommand(run),
      "inkhorn train --data 'my notes.txt' --preset seed --pattern gpt2 --precision bf16 --out runs/again",
    );
    assert.match(
      trainCommand({ ...run, tokenizer: 't.json' }),
      /--preset seed --tokenizer t\.json --precision/,
    );
    const several = {
      ...data,
      inputs: ['a.txt', 'notes/**/*.ts'],
      asBytes: true,
      separator: '<|endoftext|>',
    };
    assert.match(
      trainCommand({ ...recipe('seed'), data: several }),
      /--data a\.txt --data 'notes\/\*\*\/\*\.ts' --as-bytes --special '<\|endoftext\|>' --preset/,
    );
    const inner = { ...data, trainFraction: 0.8, validate: 'inner' } as const;
    assert.match(
      trainCommand({ ...recipe('seed'), data: inner }),
      /--train-fraction 0\.8 --validate inner --out/,
    );
  });

  test('quotes as a shell reads', () => {
    assert.equal(shellWord("it's"), "'it'\\''s'");
    assert.equal(shellWord(''), "''");
  });
});

/** Splits a command line into words; understands single quotes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|\\'/g, (all, inner) => inner ?? all.slice(1)),
  );
}
