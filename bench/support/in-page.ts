// The parts of a step of the preset `seed`, in a page: on Inkhorn's WASM engine, and with jax-js, in turns.
// Called by ../page.ts.
import type { Backend, DeviceBuffer } from '../../src/backend/contract.ts';
import { createBackend } from '../../src/platform/browser.ts';

/** jax-js, as far as it is used here. An operation uses its arguments up, except for those given as `ref`. */
interface Jax {
  init(device: 'wasm'): Promise<string[]>;
  defaultDevice(device: 'wasm'): string;
  numpy: { array(data: Float32Array): JaxArray; matmul(a: JaxArray, b: JaxArray): JaxArray };
  nn: {
    dotProductAttention(q: JaxArray, k: JaxArray, v: JaxArray, options: { isCausal: boolean }): JaxArray;
  };
  jit<F extends (...args: JaxArray[]) => unknown>(f: F): F;
  grad(
    f: (...args: JaxArray[]) => JaxArray,
    options: { argnums: number[] },
  ): (...args: JaxArray[]) => JaxArray[];
  blockUntilReady<T>(x: T): Promise<T>;
}
interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: number[]): JaxArray;
  mul(other: JaxArray): JaxArray;
  sum(): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}

const [T, C, H, hs, V, FF] = [256, 232, 6, 38, 500, 928];

/** Milliseconds of every turn of one part. */
export interface PartTimes {
  name: string;
  /** Floating-point operations; of attention, whose causal half counts. */
  flops: number;
  ours: number[];
  theirs: number[];
  /** The largest difference of the results, as a share of the largest value. */
  difference: number;
}

interface Side {
  /** Does the work so many times, and waits for it. */
  run(times: number): Promise<void>;
  /** The result of `run`. */
  result(): Promise<Float32Array>;
}

interface Part {
  name: string;
  flops: number;
  /** How often a turn does the work. */
  times: number;
  ours: Side;
  theirs: Side | null;
}

/** Times `turns` turns of each part. `jax` is the address of jax-js; without it Inkhorn is alone. */
export async function contest(
  batch: number,
  turns: number,
  jax: string | null,
): Promise<{ engine: string; parts: PartTimes[] }> {
  const { backend } = await createBackend('wasm');
  const peer = jax === null ? null : ((await import(jax)) as Jax);
  await peer?.init('wasm');
  peer?.defaultDevice('wasm');
  const times: PartTimes[] = [];
  for (const { name, flops, times: repeats, ours, theirs } of parts(backend, peer, batch)) {
    const found: PartTimes = { name, flops, ours: [], theirs: [], difference: 0 };
    for (let turn = -2; turn < turns; turn++) {
      const a = await timed(ours, repeats);
      const b = theirs ? await timed(theirs, repeats) : 0;
      if (turn < 0) continue;
      found.ours.push(a);
      if (theirs) found.theirs.push(b);
    }
    if (theirs) found.difference = difference(await ours.result(), await theirs.result());
    times.push(found);
  }
  return { engine: backend.description, parts: times };
}

/** Milliseconds of doing it once. */
async function timed({ run }: Side, times: number): Promise<number> {
  const begun = performance.now();
  await run(times);
  return (performance.now() - begun) / times;
}

function difference(a: Float32Array, b: Float32Array): number {
  let [largest, off] = [0, a.length === b.length ? 0 : Number.NaN];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(b[i]));
    off = Math.max(off, Math.abs(a[i] - b[i]));
  }
  return off / largest;
}

/** The five products of a layer and the head, and attention there and back. */
function* parts(backend: Backend, jax: Jax | null, B: number): Generator<Part> {
  const rows = B * T;
  const products: [name: string, k: number, n: number][] = [
    ['qkv', C, 3 * H * hs],
    ['attention output', H * hs, C],
    ['mlp in', C, FF],
    ['mlp out', FF, C],
    ['head', C, V],
  ];
  for (const [name, k, n] of products) yield product(backend, jax, { name, m: rows, k, n });
  yield attention(backend, jax, B);
}

function product(
  backend: Backend,
  jax: Jax | null,
  { name, m, k, n }: { name: string; m: number; k: number; n: number },
): Part {
  const [a, b] = [numbers(m * k), numbers(k * n)];
  const [x, w, y] = [put(backend, a), put(backend, b), backend.alloc('f32', m * n)];
  const ours: Side = {
    async run(times) {
      for (let i = 0; i < times; i++) {
        backend.kernels.matmul(y, x, w, { m, n, k });
        await backend.read(y, 0, 1);
      }
    },
    result: async () => (await backend.read(y)) as Float32Array,
  };
  const part = { name: `${name} ${m} x ${k} x ${n}`, flops: 2 * m * n * k, times: 10, ours };
  if (!jax) return { ...part, theirs: null };
  const [jx, jw] = [jax.numpy.array(a).reshape([m, k]), jax.numpy.array(b).reshape([k, n])];
  const multiply = jax.jit((p: JaxArray, q: JaxArray) => jax.numpy.matmul(p, q));
  const multiplied = (): JaxArray => multiply(jx.ref, jw.ref) as JaxArray;
  return {
    ...part,
    theirs: {
      // What is disposed of before it is ready is never computed, so each product is waited for.
      async run(times) {
        for (let i = 0; i < times; i++) (await jax.blockUntilReady(multiplied())).dispose();
      },
      result: async () => multiplied().data(),
    },
  };
}

/** Causal attention of B sequences, and the gradients of queries, keys and values. */
function attention(backend: Backend, jax: Jax | null, B: number): Part {
  const size = B * T * H * hs;
  const [q, k, v, dy] = [numbers(size), numbers(size), numbers(size), numbers(size)];
  const shape = { B, T, H, hs, scale: 1 / Math.sqrt(hs) };
  const [qkv, dOut] = [put(backend, interleaved([q, k, v])), put(backend, dy)];
  const [out, lse] = [backend.alloc('f32', size), backend.alloc('f32', B * H * T)];
  const dqkv = backend.alloc('f32', 3 * size);
  const ours: Side = {
    async run(times) {
      for (let i = 0; i < times; i++) {
        backend.kernels.attention(out, lse, qkv, shape, null);
        backend.kernels.attentionBackward(dqkv, dOut, out, lse, qkv, shape, null);
      }
      await backend.read(dqkv, 0, 1);
    },
    result: async () => (await backend.read(dqkv)) as Float32Array,
  };
  // Two products there, five back, of T * T / 2 pairs of positions each.
  const part = {
    name: `attention ${B} x ${T} x ${H} x ${hs}`,
    flops: 7 * B * H * T * T * hs,
    times: 1,
    ours,
  };
  if (!jax) return { ...part, theirs: null };
  const [jq, jk, jv, jdy] = [q, k, v, dy].map((data) => jax.numpy.array(data).reshape([B, T, H, hs]));
  const weighted = (p: JaxArray, r: JaxArray, s: JaxArray, weights: JaxArray): JaxArray =>
    jax.nn.dotProductAttention(p, r, s, { isCausal: true }).mul(weights).sum();
  const gradients = jax.jit(jax.grad(weighted, { argnums: [0, 1, 2] }));
  const once = (): Promise<JaxArray[]> =>
    jax.blockUntilReady(gradients(jq.ref, jk.ref, jv.ref, jdy.ref) as JaxArray[]);
  return {
    ...part,
    theirs: {
      async run(times) {
        for (let i = 0; i < times; i++) for (const gradient of await once()) gradient.dispose();
      },
      async result() {
        const all = await once();
        return interleaved(await Promise.all(all.map((gradient) => gradient.data())));
      },
    },
  };
}

/** Three arrays [B * T, H * hs] as one [B * T, 3, H * hs]. */
function interleaved(some: readonly Float32Array[]): Float32Array {
  const width = H * hs;
  const all = new Float32Array(3 * some[0].length);
  for (const [i, part] of some.entries())
    for (let row = 0; row * width < part.length; row++)
      all.set(part.subarray(row * width, (row + 1) * width), (3 * row + i) * width);
  return all;
}

function put(backend: Backend, data: Float32Array): DeviceBuffer {
  const buffer = backend.alloc('f32', data.length);
  backend.write(buffer, data);
  return buffer;
}

let drawn = 1;
/** Numbers between -1 and 1, the same in every run. */
function numbers(length: number): Float32Array {
  return Float32Array.from({ length }, () => {
    drawn = Math.imul(drawn, 1_664_525) + 1_013_904_223;
    return drawn / 2 ** 31;
  });
}
