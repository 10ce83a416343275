// What llama.cpp computes of a file on a processor, by our own model: weights as they are stored, the input
// of every product rounded to the type that its dot product takes, GELU by way of float16
// (findings/llama-cpp-activations-take-the-type.sh, llama-cpp-gelu-float16.sh).
import { ggufTypes } from '../../dist/src/exchange/gguf/blocks.js';
import { fromBfloat16, fromFloat16, toFloat16 } from '../../dist/src/io/floats.js';
import { GPT, namedParameters, tensor } from '../../dist/src/platform/node.js';

const BLOCK = 32;

/** The numbers in the bytes that a type stores. */
const decoders = {
  F32: (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4),
  F16: (bytes) => fromFloat16(halves(bytes)),
  BF16: (bytes) => fromBfloat16(halves(bytes)),
  Q8_0: (bytes) => blocks(bytes, 34, (codes, i) => (codes[i] << 24) >> 24),
  Q4_0: (bytes) => blocks(bytes, 18, (codes, i) => (i < 16 ? codes[i] & 15 : codes[i - 16] >> 4) - 8),
};

function halves(bytes) {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

/** Blocks of `stride` bytes: a scale in half precision, then codes. */
function blocks(bytes, stride, numberOf) {
  const out = new Float32Array((bytes.length / stride) * BLOCK);
  for (let b = 0; b < bytes.length / stride; b++) {
    const block = bytes.subarray(b * stride, (b + 1) * stride);
    const [scale] = fromFloat16(Uint16Array.of(block[0] | (block[1] << 8)));
    for (let i = 0; i < BLOCK; i++) out[b * BLOCK + i] = scale * numberOf(block.subarray(2), i);
  }
  return out;
}

const stored = (values, type) => decoders[type](ggufTypes[type].encode(values));
const half = (values) => fromFloat16(toFloat16(values));

/** Logits [T, V] of `ids` by a file of that type. */
export async function logitsOfFile(model, type, ids) {
  const { backend, config } = model;
  const copy = new GPT(config, { backend });
  const originals = namedParameters(model);
  for (const [name, parameter] of namedParameters(copy)) {
    const values = await originals.get(name).data();
    const matrix = parameter.shape.length > 1 && !name.startsWith('positions');
    parameter.write(matrix ? stored(values, type) : values);
  }
  const inputs = type === 'Q4_0' ? 'Q8_0' : type; // of its dot products
  const gelu = config.activation.startsWith('gelu');
  const edits = [
    [/\.mlp\.pre$/, (values) => (gelu ? half(values) : values)],
    [/\.mlp\.act$/, (values) => stored(gelu ? half(values) : values, inputs)],
    [/\.(?:attn\.in|attn\.heads|mlp\.in)$|^head\.in$/, (values) => stored(values, inputs)],
  ];
  const tap = {
    wants: (name) => edits.some(([names]) => names.test(name)),
    edit(name, value) {
      const [, change] = edits.find(([names]) => names.test(name));
      return tensor(change(Float32Array.from(backend.readSync(value.buffer))), value.shape, backend);
    },
  };
  const logits = await copy.forward(tensor(ids, [1, ids.length], backend), { tap }).data();
  copy.dispose();
  return logits;
}
