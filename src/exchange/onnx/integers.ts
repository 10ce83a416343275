// Integer matrices as the operator MatMulNBits of onnxruntime has them, made of ours code by code. Read next:
// layers.ts.
import type { GPTConfig } from '../../model/config.ts';
import type { GPT } from '../../model/gpt.ts';
import { isQuantizable } from '../../model/names.ts';
import { shapesOf } from '../../model/shapes.ts';
import { slots } from '../../nn/parameters.ts';
import { GROUP_SIZES } from '../../quantize/int4.ts';
import { quantize } from '../../quantize/quantize.ts';
import { DEFAULT_GROUP_SIZE, Int8Tensor, isQuantized, type QuantizedTensor } from '../../tensor/quantized.ts';

/**
 * A matrix [rows, cols] whose rows are cut into blocks of columns: x[r, c] = (code[r, c] - zero) * scale[r,
 * floor(c / block)], where zero is 128 for 8 bits and 8 for 4.
 */
export interface IntegerMatrix {
  bits: 4 | 8;
  shape: readonly number[];
  /** Columns of a block: a power of two. */
  block: number;
  /** [rows, blocks, block * bits / 8]. Of two codes in a byte, the left one is in the low half. */
  codes: Uint8Array;
  /** [rows, blocks] */
  scale: Float32Array;
}

/** The integer matrices of a quantised model, by the names of their parameters. */
export async function integersOf(model: GPT): Promise<Map<string, IntegerMatrix>> {
  const found = new Map<string, IntegerMatrix>();
  for (const { name, value } of slots(model)) if (isQuantized(value)) found.set(name, await blocksOf(value));
  return found;
}

/** Those of a float model, quantised as `quantize` does without a text: INT4 is rounded to nearest. */
export async function quantisedIntegers(model: GPT, bits: 4 | 8): Promise<Map<string, IntegerMatrix>> {
  const small = await quantize(
    model,
    bits === 8 ? { bits } : { bits, method: 'rtn', groupSize: groupSizeFor(model.config) },
  );
  try {
    return await integersOf(small);
  } finally {
    small.dispose();
  }
}

/** The largest group of INT4, up to the default, that fits all rows. Throws when there is none. */
export function groupSizeFor(config: GPTConfig): number {
  const matrices = [...shapesOf(config)].filter(([name]) => isQuantizable(name));
  const [[name, [, cols]]] = matrices.sort(([, [, a]], [, [, b]]) => a - b);
  const fitting = GROUP_SIZES.findLast((size) => size <= Math.min(cols, DEFAULT_GROUP_SIZE));
  if (fitting !== undefined) return fitting;
  throw new Error(
    `type int4 needs rows of ${GROUP_SIZES[0]} columns or more: those of ${name} have ${cols}; int8 takes any`,
  );
}

/** Columns of the largest block. */
const LARGEST_BLOCK = 128;

async function blocksOf(weight: QuantizedTensor): Promise<IntegerMatrix> {
  const { shape } = weight;
  const [rows, cols] = shape;
  const bits = weight instanceof Int8Tensor ? 8 : 4;
  const groupSize = weight instanceof Int8Tensor ? Number.POSITIVE_INFINITY : weight.groupSize;
  const block = weight instanceof Int8Tensor ? blockFor(cols) : powerOfTwoIn(weight.groupSize);
  const blocks = Math.ceil(cols / block);
  const scale = await weight.scale.data(); // [groups, rows]
  const codes = weight instanceof Int8Tensor ? await weight.values.data() : await weight.codes.data();
  return {
    bits,
    shape,
    block,
    codes: paddedCodes(codes, rows, cols, bits, (blocks * block * bits) / 8),
    scale: Float32Array.from({ length: rows * blocks }, (_, i) => {
      const [row, b] = [Math.floor(i / blocks), i % blocks];
      return scale[Math.floor((b * block) / groupSize) * rows + row];
    }),
  };
}

/** One scale serves a whole row of INT8: the block with the fewest bytes of codes and repeated scales. */
function blockFor(cols: number): number {
  const bytes = (block: number): number => Math.ceil(cols / block) * (block + 4);
  return [LARGEST_BLOCK, 64, 32].reduce((best, block) => (bytes(block) < bytes(best) ? block : best));
}

/** The largest power of two that divides a group. */
function powerOfTwoIn(groupSize: number): number {
  return Math.min(groupSize & -groupSize, LARGEST_BLOCK);
}

/** Rows of our codes, each filled up to `width` bytes with codes that stand for 0. */
function paddedCodes(codes: Int8Array, rows: number, cols: number, bits: 4 | 8, width: number): Uint8Array {
  const ours = new Uint8Array(codes.buffer, codes.byteOffset, codes.length);
  const own = Math.ceil((cols * bits) / 8);
  const out = new Uint8Array(rows * width).fill(bits === 8 ? 0x80 : 0x88);
  for (let r = 0; r < rows; r++) {
    const row = ours.subarray(r * own, (r + 1) * own);
    if (bits === 4) {
      out.set(row, r * width);
      if (cols % 2 === 1) out[r * width + own - 1] |= 0x80;
    } else {
      for (let c = 0; c < cols; c++) out[r * width + c] = row[c] ^ 0x80; // signed -> from 0, zero at 128
    }
  }
  return out;
}
