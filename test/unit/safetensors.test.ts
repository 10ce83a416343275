// The safetensors reader and writer: the same bytes as the reference implementation, and a clear error for
// every bad file.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { fromBfloat16, fromFloat16, toBfloat16 } from '../../src/io/floats.ts';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/io/safetensors.ts';

/** A file with this header (text, or a value for JSON) and `held` bytes after it. */
function fileOf(header: unknown, held = 0): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + bytes.length + held);
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
  file.set(bytes, 8);
  return file;
}

const entry = (dtype: unknown, shape: unknown, ...data_offsets: number[]): unknown => ({
  dtype,
  shape,
  data_offsets,
});

describe('against the reference implementation (safetensors 0.8.0 for Python, which wrote these bytes)', () => {
  const data = new Map<string, TensorToWrite>([
    ['w', { shape: [2, 3], data: Float32Array.of(1.5, -2, 3e-8, 65504, -0, 0.1) }],
    ['a.q', { shape: [3], data: Int8Array.of(-128, 127, 0) }],
    ['ids', { shape: [2], data: Int32Array.of(7, -1) }],
    ['half', { dtype: 'F16', shape: [2], data: new Uint8Array(Uint16Array.of(0x3e00, 0xc080).buffer) }],
    ['long', { dtype: 'I64', shape: [1], data: new Uint8Array(BigInt64Array.of(2n ** 53n + 1n).buffer) }],
    ['u', { shape: [1], data: Uint8Array.of(255) }],
    ['double', { dtype: 'F64', shape: [1], data: new Uint8Array(Float64Array.of(0.1).buffer) }],
    ['scalar', { shape: [], data: Float32Array.of(3) }],
    ['none', { shape: [0, 4], data: new Float32Array(0) }],
  ]);
  const header =
    '{"__metadata__":{"format":"inkhorn"},"long":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},' +
    '"double":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"none":{"dtype":"F32","shape":[0,4],"data_offsets":[16,16]},' +
    '"scalar":{"dtype":"F32","shape":[],"data_offsets":[16,20]},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[20,44]},' +
    '"ids":{"dtype":"I32","shape":[2],"data_offsets":[44,52]},"half":{"dtype":"F16","shape":[2],"data_offsets":[52,56]},' +
    '"a.q":{"dtype":"I8","shape":[3],"data_offsets":[56,59]},"u":{"dtype":"U8","shape":[1],"data_offsets":[59,60]}}       ';

  test('the same header and the same file, byte for byte', () => {
    const file = writeSafetensors(data, { format: 'inkhorn' });
    assert.equal(new TextDecoder().decode(file.subarray(8, 8 + header.length)), header);
    assert.equal(
      createHash('sha256').update(file).digest('hex'),
      'bcd32ebede7381fa356f264a86c889ab4510630b5fc5d5ec6af3e05a112cfaab',
    );
  });

  test('read back: values, dtypes, shapes, metadata', () => {
    const { metadata, tensors } = readSafetensors(writeSafetensors(data, { format: 'inkhorn' }));
    assert.deepEqual(metadata, { format: 'inkhorn' });
    assert.deepEqual([...tensors.keys()].sort(), [...data.keys()].sort());
    for (const [name, { shape }] of data) assert.deepEqual(tensors.get(name)?.shape, shape);
    for (const name of ['w', 'a.q', 'ids', 'long', 'u', 'double', 'scalar', 'none']) {
      assert.deepEqual(tensors.get(name)?.data, data.get(name)?.data, name);
    }
    assert.deepEqual(tensors.get('half'), { dtype: 'F16', shape: [2], data: Float32Array.of(1.5, -2.25) });
    assert.equal(tensors.get('long')?.dtype, 'I64');
  });
});

describe('views and copies', () => {
  const data = Float32Array.of(1, 2, 3);
  const file = writeSafetensors(new Map([['w', { shape: [3], data }]]));

  test('an aligned tensor is a view into the file', () => {
    const w = readSafetensors(file).tensors.get('w');
    assert.equal(w?.data.buffer, file.buffer);
  });

  test('an unaligned one is a copy with the same values', () => {
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    const w = readSafetensors(shifted.subarray(1)).tensors.get('w');
    assert.notEqual(w?.data.buffer, shifted.buffer);
    assert.deepEqual(w?.data, data);
    const odd = readSafetensors(fileOf({ a: entry('I8', [1], 0, 1), b: entry('F32', [1], 1, 5) }, 5)).tensors;
    assert.deepEqual(odd.get('b')?.data, Float32Array.of(0));
  });

  test('writing takes the part of a buffer that the array shows', () => {
    const part = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const w = readSafetensors(writeSafetensors(new Map([['w', { shape: [2], data: part }]]))).tensors.get(
      'w',
    );
    assert.deepEqual(w?.data, Float32Array.of(1, 2));
  });
});

test('names and metadata that trip objects', () => {
  const tensors = new Map<string, TensorToWrite>(
    ['10', '9', '__proto__', 'constructor', '', 'ü\n"\\'].map((name, i) => [
      name,
      { shape: [1], data: Int8Array.of(i) },
    ]),
  );
  const metadata = JSON.parse('{"__proto__":"x","1":"y"}') as Record<string, string>;
  const back = readSafetensors(writeSafetensors(tensors, metadata));
  assert.deepEqual(Object.entries(back.metadata), Object.entries(metadata));
  for (const [name, { data }] of tensors) assert.deepEqual(back.tensors.get(name)?.data, data, name);
});

test('float32 is rounded to the nearest bfloat16, ties to even', () => {
  const given = Float32Array.of(
    1,
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
    1 + 2 ** -8 + 2 ** -20,
    -0,
    -Infinity,
    3.4e38,
  );
  const halves = toBfloat16(given);
  assert.deepEqual([...halves], [0x3f80, 0x3f80, 0x3f82, 0x3f81, 0x8000, 0xff80, 0x7f80]);
  assert.ok(Number.isNaN(fromBfloat16(toBfloat16(Float32Array.of(NaN)))[0]));
});

test('half-width floats are widened exactly', () => {
  const bf16 = fromBfloat16(Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0xff80, 0x7fc0, 0x0001, 0x8000, 0x3dcd));
  assert.deepEqual([...bf16], [1, -2, Infinity, -Infinity, NaN, 2 ** -133, -0, 0.10009765625]);
  const f16 = fromFloat16(
    Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x0001, 0x8000, 0x03ff, 0x2e66),
  );
  const expected = [1, -2, 65504, Infinity, -Infinity, NaN, 2 ** -24, -0, 1023 * 2 ** -24, 0.0999755859375];
  assert.deepEqual([...f16], expected);
  const file = fileOf({ h: entry('BF16', [1], 0, 2) }, 2);
  file.set([0x80, 0x3f], file.length - 2);
  assert.deepEqual(readSafetensors(file).tensors.get('h'), {
    dtype: 'BF16',
    shape: [1],
    data: Float32Array.of(1),
  });
});

describe('a bad file gets one line that names the file, the tensor, the value and the limit', () => {
  const bad: [string, Uint8Array, RegExp][] = [
    [
      'empty',
      new Uint8Array(0),
      /^m: 0 bytes are too few for a safetensors file: it is empty, or was cut off/,
    ],
    ['seven bytes', new Uint8Array(7), /^m: 7 bytes are too few/],
    [
      'header longer than the file',
      fileOf('{}').subarray(0, 9),
      /truncated: announces a header of 2 bytes, the file holds 9/,
    ],
    [
      'a pickle',
      new TextEncoder().encode('\x80\x02}q\x00(X\x01\x00\x00'),
      /no safetensors file: .* the limit is 100,000,000 bytes/,
    ],
    [
      'a Git LFS pointer',
      new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'),
      /run `git lfs pull`/,
    ],
    ['no JSON', fileOf('{"a":'), /the header \(5 bytes\) is not valid JSON/],
    ['a byte order mark', fileOf('\ufeff{}'), /is not valid JSON/],
    ['bad UTF-8', fileOf('{"a":1}').map((b) => (b === 0x61 ? 0xff : b)), /is not valid JSON/],
    ['a list', fileOf([]), /the header is not a JSON object/],
    ['null', fileOf(null), /the header is not a JSON object/],
    [
      'metadata that is no object',
      fileOf({ __metadata__: 'x' }),
      /__metadata__ is not a JSON object of strings/,
    ],
    ['metadata with a number', fileOf({ __metadata__: { step: 3 } }), /the value of "step" is no string/],
    [
      'an entry that is no object',
      fileOf({ a: 1 }),
      /tensor "a": its entry in the header is not a JSON object/,
    ],
    [
      'an unknown dtype',
      fileOf({ a: entry('F31', [1], 0, 4) }, 4),
      /tensor "a": dtype "F31" is unknown; known are BOOL U8/,
    ],
    [
      'a dtype from the prototype',
      fileOf({ a: entry('toString', [1], 0, 4) }, 4),
      /dtype "toString" is unknown/,
    ],
    [
      'a negative size',
      fileOf({ a: entry('F32', [-1], 0, 4) }, 4),
      /tensor "a": shape \[-1\] is not a list of whole numbers/,
    ],
    ['half an element', fileOf({ a: entry('F32', [1.5], 0, 6) }, 6), /shape \[1\.5\] is not/],
    ['no shape', fileOf({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /shape undefined is not/],
    [
      'backward offsets',
      fileOf({ a: entry('F32', [1], 4, 0) }, 4),
      /data_offsets \[4,0\] are not \[begin, end\]/,
    ],
    ['three offsets', fileOf({ a: entry('F32', [1], 0, 4, 8) }, 4), /data_offsets \[0,4,8\] are not/],
    [
      'a size that does not fit',
      fileOf({ a: entry('F32', [2, 3], 0, 20) }, 20),
      /F32 \[2, 3\] takes 24 bytes, data_offsets \[0,20\] give 20 bytes/,
    ],
    [
      'an absurd shape',
      fileOf({ a: entry('F32', [2 ** 52, 2 ** 52], 0, 4) }, 4),
      /tensor "a": F32 .* takes .* give 4 bytes/,
    ],
    [
      'a surplus field',
      fileOf({ a: { dtype: 'I8', shape: [1], data_offsets: [0, 1], scale: 1 } }, 1),
      /has a field "scale"/,
    ],
    [
      'a gap',
      fileOf({ a: entry('I8', [1], 0, 1), b: entry('I8', [1], 2, 3) }, 3),
      /a gap of 1 byte before tensor "b", which begins at 2/,
    ],
    [
      'an overlap',
      fileOf({ a: entry('I8', [2], 0, 2), b: entry('I8', [2], 1, 3) }, 3),
      /tensor "b" begins at 1, inside the one before it, which ends at 2/,
    ],
    [
      'a cut-off file',
      fileOf({ a: entry('F32', [3_514_836], 0, 14_059_344) }, 1024),
      /^m: truncated: header says 14,059,344 bytes of data, the file holds 1,024: it was probably cut off while copying$/,
    ],
    ['surplus bytes', fileOf({ a: entry('I8', [1], 0, 1) }, 3), /holds 2 bytes after its last tensor/],
    [
      'a name twice',
      fileOf(
        '{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}',
        1,
      ),
      /"a" occurs twice in the header/,
    ],
    [
      'a field twice',
      fileOf('{"a":{"dtype":"I8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
      /"dtype" occurs twice/,
    ],
  ];
  for (const [what, file, message] of bad) {
    test(what, () => {
      assert.throws(
        () => readSafetensors(file, 'm'),
        (error: Error) =>
          message.test(error.message) && error.message.startsWith('m: ') && !error.message.includes('\n'),
      );
    });
  }

  test('the same key in different objects, and inside a string, is no duplicate', () => {
    const file = fileOf(
      '{"__metadata__":{"a":"{\\"a\\":1,\\"a\\":2}"}, "a" : {"dtype":"I8","shape":[1],"data_offsets":[0,1]} }',
      1,
    );
    assert.equal(readSafetensors(file).tensors.size, 1);
  });
});

describe('the writer refuses what it could not read back', () => {
  const write = (name: string, tensor: TensorToWrite): unknown => writeSafetensors(new Map([[name, tensor]]));
  test('elements that do not fill the shape', () => {
    assert.throws(
      () => write('w', { shape: [2, 3], data: new Float32Array(5) }),
      /tensor "w": 20 bytes do not fill F32 \[2, 3\], which takes 24 bytes/,
    );
    assert.throws(() => write('w', { shape: [2.5, 2], data: new Int8Array(5) }), /shape \[2\.5,2\] is not/);
    assert.throws(
      () => write('w', { dtype: 'I64', shape: [2], data: new Uint8Array(8) }),
      /do not fill I64 \[2\]/,
    );
  });
  test('an array of another type than the dtype', () => {
    assert.throws(
      () => write('w', { dtype: 'BF16', shape: [2], data: new Float32Array(1) }),
      /a Float32Array is stored as F32, not as BF16/,
    );
  });
  test('the name of the metadata', () => {
    assert.throws(
      () => write('__metadata__', { shape: [1], data: new Int8Array(1) }),
      /the name is the format's own/,
    );
  });
});
