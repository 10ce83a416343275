// The rows of the kernels: what is derived from them, and that a kernel is declared in as few places as
// CONTRIBUTING says.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Call, calls, type KernelName, wrapKernels } from '../../src/backend/call.ts';
import type { DeviceBuffer, DType, Kernels } from '../../src/backend/contract.ts';
import { type KernelList, packedKernels } from '../../src/backend/packed-kernels.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { signatures } from '../../src/backend/signatures.ts';

const buffer = (length: number, dtype: DType = 'f32'): DeviceBuffer => ({ length, dtype });
const packed = (call: Call, args: unknown[]): number[] => {
  const into = new Float64Array(64).fill(-9);
  const ids = new Map<DeviceBuffer, number>();
  call.pack(args, (b) => ids.set(b, ids.get(b) ?? ids.size).get(b) as number, into);
  return [...into.subarray(0, 1 + call.layout.length)];
};

describe('the rows of the kernels', () => {
  test('every kernel of an engine has one, and no row is of none', () => {
    const { kernels } = createReference();
    assert.deepEqual(Object.keys(signatures).sort(), Object.keys(kernels).sort());
  });

  test('pack buffers, numbers, and what lengths make, in the order of the layout', () => {
    const [out, ids, tokens, positions] = [buffer(12), buffer(4, 'i32'), buffer(15), buffer(21)];
    assert.equal(calls.embedding.layout, 'Fiffnnnsn');
    const shape = { B: 2, T: 2, C: 3, start: 4 };
    assert.deepEqual(packed(calls.embedding, [out, ids, tokens, positions, shape]), [
      5,
      0,
      1,
      2,
      3, // seven positions: two tokens can start at 5
      2,
      2,
      3,
      4,
      5, // and five tokens of three
    ]);
    const [, , , , none] = packed(calls.embedding, [out, ids, tokens, null, shape]);
    assert.equal(none, -1);
  });

  test('pack what is left out as nothing', () => {
    const [out, a, b, pre] = [buffer(4), buffer(4), buffer(4), buffer(4)];
    assert.equal(calls.matmul.layout, 'FfffFfnnnnnnnnn');
    const shape = { m: 2, n: 2, k: 2 };
    const numbers = (extra: object): number[] =>
      packed(calls.matmul, [out, a, b, { ...shape, ...extra }]).slice(1);
    assert.deepEqual(numbers({}), [0, 1, 2, -1, -1, -1, 2, 2, 2, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(
      numbers({ transB: true, activation: { kind: 'relu2', pre } }),
      [0, 1, 2, -1, 3, -1, 2, 2, 2, 0, 1, 0, 0, 3, 0],
    );
  });

  test('refuse in one line what does not fit: kernel, argument, value, limit', () => {
    const six = buffer(6);
    const refused: [KernelName, unknown[], RegExp][] = [
      ['add', [six, six, buffer(5)], /^add: b has 5 elements, not 6$/],
      ['axpy', [six, buffer(6), 'x'], /^axpy: factor is not a number$/],
      [
        'activation',
        [six, six, 'tanh'],
        /^activation: there is no kind 'tanh': use relu, gelu, relu2, silu, gelu-tanh$/,
      ],
      ['sumRows', [six, buffer(6), 2, 0.5], /^sumRows: cols 0.5 is not a whole number >= 0$/],
      ['rope', [six, six, { B: 1, T: 1, H: 1, hs: 2, start: -1 }], /^rope: start -1 is not a whole number/],
      ['mix', [six, six, buffer(6), null, { rows: 2, cols: 3, from: 0, to: 1 }], /^mix: weight is missing$/],
      ['sumRows', [six, six, 1, 6], /^sumRows: out cannot be the same buffer as x$/],
      ['quantizeRows', [six, six, six, 2, 3], /^quantizeRows: q is f32, not i8$/],
    ];
    for (const [name, args, message] of refused)
      assert.throws(
        () => calls[name].check(args),
        (error: Error) => message.test(error.message),
        `${name} ${message}`,
      );
  });

  test('move a call to another position, and only calls that have one', () => {
    const args = [buffer(6), buffer(6), { B: 1, T: 1, H: 1, hs: 2, start: 3, base: 10, inverse: false }];
    assert.equal(calls.rope.startOf(args), 3);
    assert.equal(calls.rope.startOf(calls.rope.startingAt(args, 7)), 7);
    assert.equal(calls.rope.startOf(args), 3);
    assert.equal(calls.add.startingAt(args, 7), args);
    assert.equal(calls.add.startOf(args), null);
  });

  test('wrap kernels: a call goes on or does not, and what it changes is known', () => {
    const seen: string[] = [];
    const direct = { add: (): void => void seen.push('called') } as unknown as Kernels;
    const [a, b, c] = [buffer(1), buffer(2), buffer(3)];
    const wrapped = wrapKernels(direct, (call, args, kernel) => {
      seen.push(call.name);
      assert.deepEqual([...call.written(args)], [[a, 1]]);
      kernel(...args);
    });
    wrapped.add(a, b, c);
    assert.deepEqual(seen, ['add', 'called']);
  });
});

describe('what an engine reports of its kernels', () => {
  const rows = Object.values(calls).map(({ name, layout, words }) => ({
    name: name as string,
    layout,
    words,
  }));
  const accept = (kernels: KernelList['kernels']): unknown =>
    packedKernels(
      { kernels, who: 'the engine', advice: () => 'build it' },
      new Float64Array(64),
      () => 0,
      () => {},
    );
  const changed = (name: string, changes: object): KernelList['kernels'] =>
    rows.map((row) => (row.name === name ? { ...row, ...changes } : row));

  test('has the words of its choices, in order', () => {
    assert.equal(calls.activation.words, 'relu, gelu, relu2, silu, geluTanh;');
    assert.equal(calls.matmul.words, calls.activation.words.repeat(2));
    assert.equal(calls.linearInt4.words, 'f32, int8;');
    assert.equal(calls.add.words, '');
  });

  test('must be what the rows say: kernels, parameters, and words in their order', () => {
    assert.doesNotThrow(() => accept(rows));
    const refused = (kernels: KernelList['kernels'], message: RegExp): void => {
      assert.throws(() => accept(kernels), message);
    };
    refused(
      rows.slice(1),
      new RegExp(`^Error: the engine knows ${rows[0].name} as not at all, the code as `),
    );
    refused(
      changed('add', { layout: 'Ffn' }),
      /^Error: the engine knows add as Ffn, the code as Fffn: build it$/,
    );
    refused(
      changed('activation', { words: 'relu, gelu, relu2, silu;' }),
      /knows activation as one of relu, gelu, relu2, silu;, the code as one of relu, .*geluTanh;: build it$/,
    );
    refused(changed('linearInt8', { words: 'int8, f32;' }), /knows linearInt8 as one of int8, f32;/);
  });
});

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('a kernel is declared where CONTRIBUTING says, and nowhere else under the model', {
  skip: !existsSync(join(root, 'native')) && 'no sources here',
}, () => {
  const places = [
    'src/backend/contract.ts',
    'src/backend/signatures.ts',
    'src/backend/webgpu/activation.ts',
    'src/backend/reference/activation.ts',
    'src/backend/reference/index.ts',
    'native/kernel-list.h',
    'native/kernels/activation.cpp',
    'src/tensor/ops.ts',
  ];
  const found = ['src/backend', 'src/tensor', 'native']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file))),
    )
    .filter(
      (file) => /\.(ts|h|cpp)$/.test(file) && /\bsoftcap\b/.test(readFileSync(join(root, file), 'utf8')),
    )
    .map((file) => file.split(sep).join('/'));
  assert.deepEqual(found.sort(), places.sort());
});
