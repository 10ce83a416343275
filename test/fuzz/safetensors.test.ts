// Random sets of tensors are read back as written. Random and damaged files give the reader's own error,
// never another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/io/safetensors.ts';

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const tensor: fc.Arbitrary<TensorToWrite> = fc
  .tuple(shape, fc.constantFrom('F32', 'I32', 'I8', 'U8', 'I64', 'BOOL'), fc.infiniteStream(fc.nat(255)))
  .map(([shape, dtype, stream]) => {
    const n = shape.reduce((a, b) => a * b, 1);
    const bytes = (count: number): Uint8Array =>
      Uint8Array.from({ length: count }, () => stream.next().value as number);
    if (dtype === 'F32') return { shape, data: Float32Array.from(bytes(n), (b) => b / 7) };
    if (dtype === 'I32') return { shape, data: Int32Array.from(bytes(n), (b) => (b << 24) ^ b) };
    if (dtype === 'I8') return { shape, data: new Int8Array(bytes(n).buffer) };
    return { shape, dtype, data: bytes(dtype === 'I64' ? 8 * n : n) } as TensorToWrite;
  });
const name = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('0', '1', '__proto__', 'a"b'));
const tensors = fc
  .array(fc.tuple(name, tensor), { maxLength: 6 })
  .map((entries) => new Map(entries.filter(([name]) => name !== '__metadata__')));

/** Reads `file`, and accepts only success or the reader's one-line error. */
function readOrRefuse(file: Uint8Array): void {
  try {
    readSafetensors(file, 'fuzz');
  } catch (error) {
    assert.equal((error as Error).constructor, Error, `${(error as Error).stack}`);
    assert.match((error as Error).message, /^fuzz: [^\n]+$/);
  }
}

test('tensor sets survive the round trip, wherever the file lies in memory', () => {
  fc.assert(
    fc.property(tensors, fc.dictionary(name, fc.string()), fc.nat(7), (tensors, metadata, shift) => {
      const file = writeSafetensors(tensors, metadata);
      const dataStart = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
      assert.equal(dataStart % 8, 0);
      const shifted = new Uint8Array(file.length + shift);
      shifted.set(file, shift);
      const back = readSafetensors(shifted.subarray(shift));
      assert.deepEqual(Object.entries(back.metadata).sort(), Object.entries(metadata).sort());
      assert.equal(back.tensors.size, tensors.size);
      for (const [name, { shape, data }] of tensors) {
        assert.deepEqual(back.tensors.get(name)?.shape, shape);
        assert.deepEqual(back.tensors.get(name)?.data, data);
      }
    }),
  );
});

test('arbitrary bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readOrRefuse), { numRuns: 500 });
});

test('arbitrary headers', () => {
  const field = fc.oneof(fc.jsonValue(), fc.array(fc.nat(9)), fc.constantFrom('F32', 'I8'));
  const place = fc.oneof(fc.record({ dtype: field, shape: field, data_offsets: field }), fc.jsonValue());
  const header = fc.oneof(
    fc.json(),
    fc.dictionary(name, place).map((h) => JSON.stringify(h)),
    fc.string(),
  );
  fc.assert(
    fc.property(header, fc.nat(16), (header, held) => {
      const text = new TextEncoder().encode(header);
      const file = new Uint8Array(8 + text.length + held);
      new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
      file.set(text, 8);
      readOrRefuse(file);
    }),
    { numRuns: 500 },
  );
});

test('damaged files: bytes changed, cut off, or added', () => {
  const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(tensors, damage, fc.integer({ min: -20, max: 20 }), (tensors, damage, growth) => {
      const whole = writeSafetensors(tensors, { format: 'fuzz' });
      const file = new Uint8Array(Math.max(0, whole.length + growth));
      file.set(whole.subarray(0, file.length));
      for (const [at, value] of damage) if (file.length > 0) file[at % file.length] = value;
      readOrRefuse(file);
    }),
    { numRuns: 500 },
  );
});
