// The text around the code of a shader. (What it computes: conformance/webgpu.test.ts.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joined, shader, textOf } from '../../src/backend/webgpu/shader.ts';

const row = shader({
  name: 'sum',
  buffers: { out: '>f32', x: 'f32', bias: 'f32?' },
  numbers: { factor: 'f32' },
  code: 'fn run(i: u32) { out[i] = u.factor * x[i]; if (has_bias) { out[i] += bias[i]; } }',
});

test('buffers are bound in order, numbers after them', () => {
  const text = textOf(row, { out: 0, x: 1, bias: 2 }, { WIDE: true, ROWS: 4 });
  for (const line of [
    '@group(0) @binding(0) var<storage, read_write> out: array<f32>;',
    '@group(0) @binding(1) var<storage, read> x: array<f32>;',
    '@group(0) @binding(2) var<storage, read> bias: array<f32>;',
    'const has_bias = true;',
    'const WIDE = true;',
    'const ROWS = 4;',
    '@group(0) @binding(3) var<uniform> u: Numbers;',
  ])
    assert.ok(text.split('\n').includes(line), line);
});

test('a buffer that is another one takes its name, one that is null is never read', () => {
  const text = textOf(row, { out: 0, x: 'out', bias: null }, {});
  assert.match(text, /out\[i\] = u\.factor \* out\[i\];/);
  assert.match(text, /const has_bias = false;/);
  assert.match(text, /var<private> bias: array<f32, 1>;/);
  assert.match(text, /@binding\(1\) var<uniform>/);
});

test('one buffer cannot be of two types', () => {
  const mixed = shader({ name: 'mixed', buffers: { out: '>vec4f', x: 'f32' }, numbers: {}, code: '' });
  assert.throws(() => textOf(mixed, { out: 0, x: 'out' }, {}), /mixed: x and out are one buffer/);
});

test('joined calls have their own names, and threads of their own', () => {
  const two = joined(row, 2);
  assert.deepEqual(Object.keys(two.buffers), ['out_0', 'x_0', 'bias_0', 'out_1', 'x_1', 'bias_1']);
  assert.deepEqual(Object.keys(two.numbers), [
    ...['factor_0', 'count_0', 'end_0'],
    ...['factor_1', 'count_1', 'end_1'],
  ]);
  assert.match(two.code, /fn run_1\(i: u32\) \{ out_1\[i\] = u\.factor_1 \* x_1\[i\]; if \(has_bias_1\)/);
  assert.match(
    two.code,
    /if \(i < u\.end_0\) .* if \(i - u\.end_0 < u\.count_1\) \{ run_1\(i - u\.end_0\); \}/,
  );
});
