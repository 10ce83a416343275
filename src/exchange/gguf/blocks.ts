// How GGUF stores the rows of a matrix: floats, or blocks of 32 integers with a scale in half precision. The
// rounding is that of ggml (quantize_row_q8_0_ref and quantize_row_q4_0_ref in ggml-quants.c).
import { toBfloat16, toFloat16 } from '../../io/floats.ts';
import type { GgufType } from '../options.ts';
import { LARGEST_BFLOAT16, LARGEST_HALF } from '../range.ts';

interface BlockType {
  /** The format's number of the type. */
  id: number;
  /** `general.file_type` of a file whose matrices are of this type. */
  fileType: number;
  /** Rows are whole blocks of so many elements. */
  block: number;
  /** The largest number that stays finite. */
  largest: number;
  encode(values: Float32Array): Uint8Array;
}

/** Elements of a block. */
const BLOCK = 32;

export const ggufTypes: Readonly<Record<GgufType, BlockType>> = {
  F32: { id: 0, fileType: 0, block: 1, largest: Number.POSITIVE_INFINITY, encode: bytesOf },
  F16: {
    id: 1,
    fileType: 1,
    block: 1,
    largest: LARGEST_HALF,
    encode: (values) => bytesOf(toFloat16(values)),
  },
  BF16: {
    id: 30,
    fileType: 32,
    block: 1,
    largest: LARGEST_BFLOAT16,
    encode: (values) => bytesOf(toBfloat16(values)),
  },
  Q8_0: { id: 8, fileType: 7, block: BLOCK, largest: 127 * LARGEST_HALF, encode: encodeQ8 },
  Q4_0: { id: 2, fileType: 2, block: BLOCK, largest: 8 * LARGEST_HALF, encode: encodeQ4 },
};

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Per block: the scale max |x| / 127 as a half, then 32 signed bytes. 34 bytes. */
function encodeQ8(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK;
  const out = new Uint8Array(34 * blocks);
  const scales = new Float32Array(blocks);
  for (let b = 0; b < blocks; b++) {
    const x = values.subarray(BLOCK * b, BLOCK * (b + 1));
    let most = 0;
    for (const value of x) most = Math.max(most, Math.abs(value));
    scales[b] = most / 127;
    const inverse = scales[b] === 0 ? 0 : Math.fround(1 / scales[b]);
    for (let i = 0; i < BLOCK; i++) out[34 * b + 2 + i] = awayFromZero(Math.fround(x[i] * inverse));
  }
  return withScales(out, scales, 34);
}

/**
 * Per block: the scale as a half, such that the element farthest from 0 becomes -8; then 16 bytes with the
 * codes 0 to 15 (the number and 8) of the first half in the low bits, of the second in the high. 18 bytes.
 */
function encodeQ4(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK;
  const out = new Uint8Array(18 * blocks);
  const scales = new Float32Array(blocks);
  for (let b = 0; b < blocks; b++) {
    const x = values.subarray(BLOCK * b, BLOCK * (b + 1));
    let farthest = 0;
    for (const value of x) if (Math.abs(value) > Math.abs(farthest)) farthest = value;
    scales[b] = farthest / -8;
    const inverse = scales[b] === 0 ? 0 : Math.fround(1 / scales[b]);
    const code = (value: number): number => Math.min(15, Math.trunc(value * inverse + 8.5));
    for (let i = 0; i < 16; i++) out[18 * b + 2 + i] = code(x[i]) | (code(x[i + 16]) << 4);
  }
  return withScales(out, scales, 18);
}

/** Writes the scale of each block, `stride` bytes apart, in half precision. */
function withScales(out: Uint8Array, scales: Float32Array, stride: number): Uint8Array {
  const view = new DataView(out.buffer);
  toFloat16(scales).forEach((half, b) => {
    view.setUint16(stride * b, half, true);
  });
  return out;
}

/** C's roundf: halves away from zero. */
function awayFromZero(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}
