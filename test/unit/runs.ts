// A made-up run as reports read it: the seed's settings with the events of events.ts.
import { makeConfig, presets } from '../../src/model/config.ts';
import type { SavedComparison } from '../../src/runs/comparison.ts';
import type { RunSummary } from '../../src/runs/summary.ts';
import { seedSettings } from '../../src/train/settings.ts';
import { runEvents } from './events.ts';

const bytes = { float32: 14059344, bfloat16: 0, int8: 0, int4: 0 };
const loss = { loss: 2.9428, bitsPerByte: 2.185 };

/** The files of `quantize` in a folder of the run. */
const int8: SavedComparison = {
  formats: { before: 'float32', after: 'INT8' },
  parameters: {
    kinds: [{ kind: 'linear', before: bytes, after: { ...bytes, float32: 0, int8: 4470000 } }],
    before: 14059344,
    after: 4470000,
    ratio: 3.15,
  },
  validation: { tokens: 9, blockSize: 9, before: loss, after: loss, kl: 1e-5, top1: 1 },
  weights: [{ name: 'head.weight', sqnrDb: 40 }],
  outputs: [],
  speed: null,
  layers: [{ name: 'blocks.0.mlp.fc.weight', sqnrDb: { INT8: 44 } }],
};

/** The run, with `changes`. */
export function runSummary(changes: Partial<RunSummary> = {}): RunSummary {
  return {
    title: 'seed on tiny-shakespeare',
    config: makeConfig(presets.seed, 500),
    folder: 'runs/seed',
    parameters: 3514836,
    data: {
      inputs: ['tiny-shakespeare'],
      asBytes: false,
      separator: null,
      name: 'tiny-shakespeare',
      bytes: 1115394,
      sha256: '86c4',
      trainFraction: 0.9,
      validate: 'validation',
      trainTokens: 516651,
      valTokens: 57406,
    },
    tokenizer: { vocabSize: 500, split: 'none', id: '1234abcd' },
    engines: [{ engine: 'native (AVX2, 2 threads)', after: 0 }],
    precision: 'f32',
    teachers: [],
    settings: { ...seedSettings, steps: 100 },
    events: runEvents(100),
    comparisons: new Map([['int8', int8]]),
    command: 'inkhorn train --preset seed',
    findings: {
      attention: {
        tokens: ['a', '<b>', 'c'],
        layers: 2,
        heads: 2,
        probabilities: Array(4).fill([1, 0, 0, 0.5, 0.5, 0, 0.2, 0.3, 0.5]).flat(),
      },
      heads: [0, 1].flatMap((layer) =>
        [0, 1].map((head) => ({
          layer,
          head,
          entropy: 0.5,
          distance: 1.5,
          previous: 0.25 + 0.25 * head,
          self: 0.1,
          first: 0.2,
          induction: layer === 0 ? null : 0.3,
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
            entropy: 1,
            kl: 0,
            actual: t === 0 ? 0.5 : null,
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
