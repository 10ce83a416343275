import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { attentionMaps, inductionScores, summarizeHeads } from '../../src/inspect/attention.ts';
import { capture } from '../../src/inspect/capture.ts';
import { type Edit, editTap } from '../../src/inspect/edit.ts';
import { ablate, editEffect } from '../../src/inspect/effect.ts';
import { neighbours, positionSimilarity } from '../../src/inspect/embedding.ts';
import { typicalGroups } from '../../src/inspect/groups.ts';
import { logitLens } from '../../src/inspect/lens.ts';
import { measureTaps } from '../../src/inspect/measure.ts';
import { predictText } from '../../src/inspect/predictions.ts';
import { windows } from '../../src/model/batch.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { parseParameter } from '../../src/model/names.ts';
import { matchTaps, TAPS, tapNames } from '../../src/model/taps.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { crossEntropy } from '../../src/tensor/ops.ts';
import { scope } from '../../src/tensor/scope.ts';
import { withGradients } from '../../src/tensor/tape.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { train } from '../../src/train/train.ts';
import { engines } from '../support/engines.ts';

const H = 2;
const hs = 3;
const C = 8;
const config = makeConfig(presets.seed, 258, {
  blockSize: 12,
  nLayer: 2,
  nHead: H,
  headSize: hs,
  nEmbd: C,
  dropout: 0.2,
});
/** All options of a model that the seed does not use. */
const options = {
  ...({ position: 'rope', norm: 'rmsnorm', activation: 'silu', skip: 'unet' } as const),
  qkNorm: true,
  valueResidual: true,
  tokenShift: true,
  logitCap: 30,
};
const tokenizer = Tokenizer.train('abcdabcd', { vocabSize: 258 });
const ids = tokenizer.encode('hello, you');

describe('names of taps', () => {
  test('are those of the table, block by block', () => {
    assert.deepEqual(matchTaps(['**'], config), tapNames(config));
    const ofBlocks = TAPS.filter(({ name }) => name.startsWith('blocks.')).length;
    assert.equal(tapNames(config).length, TAPS.length - ofBlocks + 2 * ofBlocks);
  });

  test('are chosen by globs', () => {
    assert.deepEqual(matchTaps(['blocks.*.mlp.act'], config), ['blocks.0.mlp.act', 'blocks.1.mlp.act']);
    assert.deepEqual(matchTaps(['blocks.{0,3}.attn.*'], { nLayer: 4 }).length, 2 * 5);
    assert.deepEqual(
      matchTaps(['logits', 'embed'], config),
      ['embed', 'logits'],
      'in the order of computation',
    );
    assert.deepEqual(matchTaps(['*'], config), ['embed', 'logits']);
  });

  test('that there are not are answered with the nearest', () => {
    assert.throws(
      () => matchTaps(['blocks.1.mlp.actt'], config),
      /nearest are blocks\.1\.mlp\.act, blocks\.1\./,
    );
    assert.throws(() => matchTaps(['logit'], config), /nearest are logits/);
    assert.throws(() => matchTaps(['blocks.7.mlp.act'], config), /the model has 2 blocks, 0 to 1/);
    assert.throws(() => matchTaps(['blocks.{0.out'], config), /without its \}/);
  });
});

test('groups of parameters are those that learn alike', () => {
  const groupOf = (name: string): string => parseParameter(name).group;
  assert.equal(groupOf('positions.weight'), 'embedding');
  assert.equal(groupOf('blocks.3.attn.qkv.weight'), 'blocks.3.attn');
  assert.equal(groupOf('blocks.3.norm2.bias'), 'blocks.3.norms');
  assert.equal(groupOf('norm.weight'), 'norm');
  assert.equal(groupOf('head.bias'), 'head');
});

test('typical groups are those of the middle look, with the last weights', () => {
  const look = (gradNorm: number, updateRatio: number) => ({
    groups: [{ name: 'head', parameters: 4, weightNorm: 10 * gradNorm, gradNorm, updateRatio }],
  });
  const looks = [look(3, 0.3), {}, look(1, 0.1), look(2, 0)];
  assert.deepEqual(typicalGroups(looks), [{ ...look(2, 0.1).groups[0] }]);
  assert.deepEqual(typicalGroups([{}]), []);
});

for (const { name, create, skip } of await engines()) {
  describe(`on ${name}`, { skip }, async () => {
    const backend: Backend = skip ? (undefined as never) : await create();
    after(() => backend?.dispose());
    const fresh = (): GPT => new GPT(config, { backend, seed: 3 });
    const modern = (): GPT => new GPT({ ...config, ...options }, { backend, seed: 3 });
    const folder = (model = fresh()) => ({ model, tokenizer });
    const logitsWith = (model: GPT, edits: readonly Edit[]): Tensor =>
      scope(() => model.forward(tensor(ids, [1, ids.length], backend), { tap: editTap(edits, config) }));

    for (const [kind, model] of [
      ['the seed', fresh()],
      ['every option', modern()],
    ] as const)
      test(`every tap of ${kind} has the shape of the table, and its gradient too`, async () => {
        const sizes: Record<string, number> = { B: 1, T: ids.length, C, H, hs, V: 258, '4C': 4 * C };
        const size = (side: string): number =>
          side.split(' * ').reduce((n, s) => n * (sizes[s] ?? Number(s)), 1);
        const captured = await capture(model, ids, { taps: ['**'], targets: ids });
        assert.deepEqual(
          captured.map((c) => c.name),
          tapNames(config),
        );
        for (const { name, shape, value, gradient } of captured) {
          const spec = TAPS.find((tap) => tap.name === name.replace(/\.\d\./, '.N.'));
          assert.deepEqual(shape, spec?.shape.slice(1, -1).split(', ').map(size), name);
          assert.ok(value.every(Number.isFinite));
          if (name.endsWith('probs')) assert.equal(gradient, null);
          else
            assert.ok(
              gradient?.some((g) => g !== 0),
              `${name} has a gradient`,
            );
        }
      });

    test('gradients of taps are those of the loss', async () => {
      const model = fresh();
      const at = { tap: 'blocks.0.mlp.out', units: [5], positions: [2] };
      const [{ gradient }] = await capture(model, ids, { taps: [at.tap], targets: ids });
      const loss = async (delta: number): Promise<number> => {
        const logits = logitsWith(model, [{ ...at, change: { add: delta } }]);
        const losses = scope(() => crossEntropy(logits, tensor(ids, [1, ids.length], backend)));
        const sum = (await losses.data()).reduce((a, b) => a + b, 0);
        for (const x of [logits, losses]) x.dispose();
        return sum / ids.length;
      };
      const slope = ((await loss(0.05)) - (await loss(-0.05))) / 0.1;
      assert.ok(
        Math.abs(slope - (gradient?.[2 * C + 5] ?? 0)) < 2e-4,
        `${slope} and ${gradient?.[2 * C + 5]}`,
      );
    });

    test('edits change what they name and nothing else', async () => {
      const model = fresh();
      const taps = ['blocks.1.attn.heads'];
      const edits = [{ tap: taps[0], units: [1], positions: [0, -1], change: { scale: 2 } }];
      const [{ value: before }] = await capture(model, ids, { taps });
      const [{ value: after }] = await capture(model, ids, { taps, edits });
      for (const [i, x] of before.entries()) {
        const t = Math.floor(i / (H * hs));
        const edited = i % (H * hs) >= hs && (t === 0 || t === ids.length - 1);
        assert.equal(after[i], edited ? Math.fround(2 * x) : x, `element ${i}`);
      }
    });

    test('a vector is added to the columns that it is for', async () => {
      const add = Float32Array.of(1, 2, 4);
      const edits = [{ tap: 'embed', units: [1, 2, 5], positions: [3], change: { add } }];
      const [{ value: before }] = await capture(fresh(), ids, { taps: ['embed'] });
      const [{ value: after }] = await capture(fresh(), ids, { taps: ['embed'], edits });
      const row = (x: Float32Array, t: number): Float32Array => x.subarray(t * C, (t + 1) * C);
      assert.deepEqual(row(after, 2), row(before, 2));
      const sum = row(before, 3).map((x, c) => x + [0, 1, 2, 0, 0, 4, 0, 0][c]);
      assert.deepEqual(row(after, 3), sum);
    });

    test('a head that is zeroed is a head without weights', async () => {
      const model = fresh();
      const zeroed = logitsWith(model, [{ tap: 'blocks.0.attn.heads', units: [0], change: { set: 0 } }]);
      const { weight } = model.blocks[0].attn.proj;
      const rows = (await (weight as Tensor).data()).map((w, i) => (i % (H * hs) < hs ? 0 : w));
      (weight as Tensor).write(rows);
      const without = logitsWith(model, []);
      assert.deepEqual(await zeroed.data(), await without.data());
    });

    test('patching all of the residual stream makes one prompt another', async () => {
      const model = fresh();
      const other = tokenizer.encode('HELLO, YOU');
      const [patch] = await capture(model, other, { taps: ['blocks.0.out'] });
      const patched = logitsWith(model, [{ tap: 'blocks.0.out', change: { patch } }]);
      const [{ value }] = await capture(model, other, { taps: ['logits'] });
      assert.deepEqual(await patched.data(), value);
      const short = await capture(model, other.subarray(1), { taps: ['blocks.0.out'] });
      const edit = { tap: 'blocks.0.out', change: { patch: short[0] } };
      const long = await capture(model, tokenizer.encode('well, hello!'), {
        taps: ['blocks.1.out', 'logits'],
      });
      const last = logitsWith(model, [
        { ...edit, tap: 'blocks.1.out', positions: [-1], change: { patch: long[0] } },
      ]);
      const C = 258;
      const at = (x: Float32Array, t: number): Float32Array => x.subarray(t * C, (t + 1) * C);
      assert.deepEqual(
        at(await last.data(), ids.length - 1),
        at(long[1].value, 11),
        'the end of a longer prompt',
      );
      assert.throws(() => logitsWith(model, [edit]), /as many tokens, or name the positions/);
    });

    test('edits that cannot be are refused', () => {
      const model = fresh();
      const edit = (tap: string, rest: Partial<Edit> = {}): Edit => ({ tap, change: { set: 0 }, ...rest });
      assert.throws(
        () => logitsWith(model, [edit('blocks.0.attn.probs')]),
        /edit blocks\.0\.attn\.heads or qkv/,
      );
      assert.throws(
        () => logitsWith(model, [edit('blocks.0.attn.heads', { units: [2] })]),
        /has no head 2: it has 2 heads, 0 to 1/,
      );
      assert.throws(
        () => logitsWith(model, [edit('embed', { positions: [99] })]),
        /embed has no position 99/,
      );
      assert.throws(() => {
        const tap = editTap([edit('embed')], config);
        withGradients(() =>
          crossEntropy(
            model.forward(tensor(ids, [1, ids.length], backend), { tap }),
            tensor(ids, [1, ids.length], backend),
          ),
        );
      }, /an edited pass has no gradients/);
    });

    test('watching everything changes no bit of a run with dropout', async () => {
      const text = Int32Array.from({ length: 400 }, (_, i) => (i * 7919 + (i >> 2)) % 258);
      const data = { train: text, val: text.subarray(0, 40), valBytesPerToken: 1, vocabSize: 258 };
      const run = async (
        probeEvery: number,
      ): Promise<{ losses: number[]; weights: Float32Array[]; probes: number }> => {
        const model = fresh();
        const losses: number[] = [];
        let probes = 0;
        const settings = { steps: 4, batchSize: 4, microBatch: 2, evalEvery: 4, sampleEvery: 0, probeEvery };
        const probeTaps = probeEvery > 0 ? ['**'] : undefined;
        for await (const e of train({ model, data, ...settings, probeTaps })) {
          if (e.type === 'step') losses.push(e.loss);
          if (e.type !== 'probe') continue;
          probes++;
          assert.equal(e.taps.length, tapNames(config).length);
          assert.deepEqual(
            e.groups?.map((group) => group.name),
            [
              'embedding',
              'blocks.0.norms',
              'blocks.0.attn',
              'blocks.0.mlp',
              'blocks.1.norms',
              'blocks.1.attn',
              'blocks.1.mlp',
              'norm',
              'head',
            ],
          );
          for (const { weightNorm, gradNorm, updateRatio } of e.groups ?? [])
            assert.ok(weightNorm > 0 && gradNorm > 0 && (updateRatio ?? 0) > 0);
        }
        const weights: Float32Array[] = [];
        for (const parameter of namedParameters(model).values()) weights.push(await parameter.data());
        return { losses, weights, probes };
      };
      const [plain, probed] = [await run(0), await run(1)];
      assert.equal(probed.probes, 4);
      assert.deepEqual(probed.losses, plain.losses);
      assert.deepEqual(probed.weights, plain.weights);
    });

    test('statistics count how often each unit fires', async () => {
      const model = fresh();
      const batch = windows(ids, [0], ids.length - 1);
      const { taps } = await measureTaps(model, batch, ['blocks.0.mlp.act', 'blocks.0.out']);
      const [act, out] = taps;
      const [{ value }] = await capture(model, batch.ids, { taps: ['blocks.0.mlp.act'] });
      const fired = Array.from(
        { length: 4 * C },
        (_, unit) => value.filter((x, i) => i % (4 * C) === unit && x > 0).length,
      );
      assert.deepEqual(
        act.activity,
        fired.map((n) => n / batch.T),
      );
      assert.deepEqual(
        act.deadUnits,
        fired.flatMap((n, unit) => (n === 0 ? [unit] : [])),
      );
      assert.equal(out.units, 0);
      assert.equal(out.activity, undefined);
    });

    test('attention and the scores of its heads', async () => {
      const model = fresh();
      const attention = await attentionMaps(model, ids);
      const induction = await inductionScores(model);
      const heads = summarizeHeads(attention, induction);
      assert.equal(heads.length, 2 * H);
      for (const head of heads) {
        assert.ok(head.entropy > 0 && head.entropy <= 1.000001, 'an untrained head looks at all a little');
        assert.ok(head.induction !== null && head.induction > 0 && head.induction < 1);
      }
      // Attention on the previous token only: distance 1, entropy 0.
      const T = 4;
      const probabilities = new Float32Array(T * T);
      for (let t = 0; t < T; t++) probabilities[t * T + Math.max(0, t - 1)] = 1;
      const [summary] = summarizeHeads({ layers: 1, heads: 1, tokens: T, probabilities }, null);
      assert.deepEqual(summary, {
        layer: 0,
        head: 0,
        entropy: 0,
        distance: 1,
        previous: 1,
        self: 0,
        first: 1 / 3,
        induction: null,
      });
    });

    test('predictions, lens and neighbours fit the model, in float and in INT8', async () => {
      const float = fresh();
      for (const model of [float, await quantize(float), modern()]) {
        const one = folder(model);
        const { tokens, next, loss } = await predictText(one, ids, { top: 3 });
        assert.equal(tokens.map(({ text }) => text).join(''), 'hello, you');
        assert.equal(tokens[0].loss, null);
        for (const { loss, probability, rank, expected } of tokens.slice(1)) {
          assert.ok(Math.abs(Math.exp(-(loss ?? 0)) - (probability ?? 0)) < 1e-6);
          assert.equal(rank === 1, expected[0].probability === probability);
          assert.equal(expected.length, 3);
        }
        assert.equal(next.length, 3);
        assert.ok(loss !== null && loss > 4);
        const lens = await logitLens(one, ids);
        assert.deepEqual(
          lens.rows.map(({ name }) => name),
          ['embed', 'blocks.0.out', 'blocks.1.out'],
        );
        const last = lens.rows[2].cells;
        assert.deepEqual(last.at(-1)?.top, next);
        assert.equal(last[0].kl, 0);
        assert.ok(Math.abs((last[0].actual ?? 0) - (tokens[1].probability ?? 1)) < 1e-6);
        const [near] = await neighbours(one, [104], 4);
        assert.equal(near.text, 'h');
        assert.ok(near.nearest[0].cosine >= near.nearest[3].cosine && near.nearest[0].id !== 104);
        const similar = await positionSimilarity(model);
        if (model.config.position === 'rope') assert.equal(similar, null);
        else assert.ok(Math.abs(Number(similar?.cosines[0]) - 1) < 1e-5);
        const heads = (await ablate(one, ids)).heads;
        assert.deepEqual(
          heads.map((row) => row.length),
          [H, H],
        );
      }
    });

    test('a text longer than the context is read in windows, and every token is predicted once', async () => {
      const model = fresh();
      const long = tokenizer.encode('all the world is a stage, and all');
      const { tokens } = await predictText(folder(model), long);
      assert.equal(tokens.map(({ text }) => text).join(''), 'all the world is a stage, and all');
      assert.equal(tokens.filter(({ loss }) => loss !== null).length, long.length - 1);
      const edits = [{ tap: 'embed', change: { scale: 1 } }];
      await assert.rejects(editEffect(folder(model), long, edits), /the context of the model 12: shorten it/);
      await assert.rejects(predictText(folder(model), new Int32Array(0)), /the text has 0 tokens/);
      const { lossChange } = await editEffect(folder(model), ids, edits);
      assert.deepEqual(lossChange, [null, ...new Array(ids.length - 1).fill(0)]);
    });

    test('leaves no memory behind', async () => {
      const model = fresh();
      await capture(model, ids, { taps: ['**'] });
      const before = backend.memory().live;
      await capture(model, ids, { taps: ['**'], targets: ids });
      await logitLens(folder(model), ids);
      await inductionScores(model);
      await measureTaps(model, windows(ids, [0], 4), ['**']);
      const parameters = namedParameters(model).size;
      assert.ok(backend.memory().live <= before + parameters, 'gradients of parameters at most');
    });
  });
}
