// Names inside a GPT: what they mean is known of every one, and they are taken apart in one file.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type GPTConfig, makeConfig, presets } from '../../src/model/config.ts';
import {
  beginsWith,
  generalName,
  isMatrixGroup,
  isQuantizable,
  ownerOf,
  parseParameter,
  placeOf,
} from '../../src/model/names.ts';
import { shapesOf } from '../../src/model/shapes.ts';
import { inputTap, tapColumns, tapNames } from '../../src/model/taps.ts';

const variants: Partial<GPTConfig>[] = [
  { bias: true, headBias: true, qkvBias: true, position: 'learned' },
  { qkNorm: true, valueResidual: true, skip: 'embed', tieWeights: true, norm: 'rmsnorm', position: 'rope' },
];

test('every parameter of a model is understood, and its role fits its shape', () => {
  for (const changes of variants) {
    const config = makeConfig(presets.seed, 300, { nLayer: 12, ...changes });
    for (const [name, shape] of shapesOf(config)) {
      const { role, group, block, stacked } = parseParameter(name);
      const isMatrix = role === 'embedding' || role === 'positions' || role === 'matrix' || role === 'head';
      assert.equal(shape.length === 2, isMatrix, name);
      assert.equal(shape[0] % stacked, 0);
      assert.equal(block, name.startsWith('blocks.') ? Number(name.split('.')[1]) : null);
      assert.equal(isQuantizable(name), isMatrix && role !== 'positions', name);
      if (isMatrix) assert.ok(isMatrixGroup(group), group);
      if (role === 'matrix' || role === 'head') {
        assert.ok(tapNames(config).includes(inputTap(name)), name);
        assert.equal(tapColumns(inputTap(name), config), shape[1], name);
      }
    }
  }
});

test('roles, groups, owners and places', () => {
  assert.deepEqual(parseParameter('blocks.11.attn.qkv.weight'), {
    block: 11,
    layer: 'attn.qkv',
    field: 'weight',
    role: 'matrix',
    group: 'blocks.11.attn',
    stacked: 3,
    input: 'blocks.11.attn.in',
    residual: false,
  });
  assert.equal(parseParameter('blocks.0.attn.qkv.bias').role, 'bias');
  assert.equal(parseParameter('blocks.0.attn.qkv.bias').stacked, 1);
  assert.equal(parseParameter('blocks.2.mlp.proj.weight').residual, true);
  assert.equal(parseParameter('blocks.2.skip.weight').group, 'blocks.2.skip');
  assert.equal(ownerOf('blocks.2.mlp.proj.weight'), 'blocks.2.mlp.proj');
  assert.deepEqual(placeOf('logits'), { block: null, path: 'logits' });
  assert.deepEqual(placeOf('blocks.3.mlp'), { block: 3, path: 'mlp' });
  assert.equal(generalName('blocks.3.mlp.act'), 'blocks.N.mlp.act');
  assert.equal(generalName('blocks.{0,2}.out', '*'), 'blocks.*.out');
  for (const group of ['norm', 'blocks.1.norms', 'blocks.1.skip', 'attn'])
    assert.ok(!isMatrixGroup(group), group);
  assert.ok(beginsWith('blocks.3.mlp.fc.weight', 'blocks.*.mlp'));
  assert.ok(beginsWith('tokens.weight', 'embeddings'));
  assert.ok(!beginsWith('blocks.10.mlp.fc.weight', 'blocks.1'));
});

test('what is no parameter is refused by name', () => {
  for (const name of [
    'wte.weight',
    'blocks.0.tokens.weight',
    'attn.qkv.weight',
    'blocks.0.norm1.scale',
    'head',
    'toString.weight',
  ])
    assert.throws(
      () => parseParameter(name),
      new RegExp(`^Error: ${name} is the name of no parameter of a GPT$`),
    );
});

test('no other file takes names of the model apart by string', () => {
  const root = fileURLToPath(new URL('../../../src/', import.meta.url));
  // Regular expressions, and tests of a beginning, an end or an equal, on names of blocks, layers and fields.
  const apart =
    /\^blocks|blocks\\\.|(startsWith|endsWith|includes)\(['"`]\.?(blocks|tokens|positions|head|norm|mlp|attn|weight|bias)\b|[!=]== '(tokens|positions|head|norm)\.(weight|bias)'/;
  const found = readdirSync(root, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts') && file !== join('model', 'names.ts'))
    // Importers know the names of other programs.
    .filter((file) => !/^exchange[\\/](hf|torch)[\\/]/.test(file))
    .filter((file) => apart.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(found, []);
});
