// A made-up run as reports see it: the seed's settings with the events of events.ts.
import { makeConfig, presets } from '../../src/model/config.ts';
import type { RunSummary } from '../../src/report/report.ts';
import { seedSettings } from '../../src/train/settings.ts';
import { runEvents } from './events.ts';

/** The run, with `changes`. */
export function runSummary(changes: Partial<RunSummary> = {}): RunSummary {
  return {
    title: 'seed on tiny-shakespeare',
    config: makeConfig(presets.seed, 500),
    folder: 'runs/seed',
    parameters: 3514836,
    data: {
      ...{
        inputs: ['tiny-shakespeare'],
        asBytes: false,
        separator: null,
        name: 'tiny-shakespeare',
        bytes: 1115394,
        sha256: '86c4',
        trainFraction: 0.9,
        validate: 'validation',
      },
      ...{ trainTokens: 516651, valTokens: 57406 },
    },
    tokenizer: { vocabSize: 500, split: 'none', id: '1234abcd' },
    engines: [{ engine: 'native (AVX2, 2 threads)', after: 0 }],
    precision: 'f32',
    settings: { ...seedSettings, steps: 100 },
    events: runEvents(100),
    tables: [
      {
        title: 'INT8',
        columns: ['', 'before', 'after'],
        rows: [['bytes', 14059344, 4470000]],
        note: 'Per channel.',
      },
    ],
    command: 'inkhorn train --preset seed',
    looks: {
      attention: {
        tokens: ['a', '<b>', 'c'],
        layers: 2,
        heads: 2,
        probabilities: Array(4).fill([1, 0, 0, 0.5, 0.5, 0, 0.2, 0.3, 0.5]).flat(),
      },
      heads: [0, 1].flatMap((layer) =>
        [0, 1].map((head) => ({
          ...{ layer, head, entropy: 0.5, distance: 1.5, previous: 0.25 + 0.25 * head },
          ...{ self: 0.1, first: 0.2, induction: layer === 0 ? null : 0.3 },
        })),
      ),
      lens: {
        tokens: [
          { id: 1, text: 'a' },
          { id: 2, text: '<b>' },
        ],
        rows: ['embed', 'blocks.0.out'].map((name, row) => ({
          name,
          cells: [0, 1].map((t) => ({
            top: [{ id: 1 + row, text: row === 0 ? 'a' : '<b>', probability: 0.5 }],
            ...{ entropy: 1, kl: 0, actual: t === 0 ? 0.5 : null },
          })),
        })),
      },
      tokens: [
        { text: 'a', loss: null },
        { text: ' <b>', loss: 2 },
        { text: '\n', loss: 0.5 },
      ],
    },
    ...changes,
  };
}
