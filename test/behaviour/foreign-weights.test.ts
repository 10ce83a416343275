// Model folders and checkpoints whose weights another program has rewritten, and files that claim more than
// they hold.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createReference } from '../../src/backend/reference/index.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { readSafetensors, type StoredTensor, type TensorToWrite } from '../../src/io/safetensors.ts';
import { memoryStore, type Store } from '../../src/io/store.ts';
import { urlStore } from '../../src/io/url-store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, modelFiles, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { slots } from '../../src/nn/parameters.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { isQuantized } from '../../src/tensor/quantized.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';

const backend = createReference();
const tokenizer = Tokenizer.train('to be, or not to be: that is the question', { vocabSize: 260 });
const config = makeConfig(presets.seed, 260, { nLayer: 2, nHead: 2, nEmbd: 32, headSize: 16, blockSize: 8 });
const model = new GPT(config, { backend, seed: 1 });

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-foreign-'));
});
after(() => rm(folder, { recursive: true }));

/**
 * A safetensors file as another program writes it: any order, any metadata, padded header or not.
 */
function foreignFile(
  tensors: Iterable<[string, TensorToWrite & { dtype: string }]>,
  metadata: object | null,
  padding = '',
): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
    parts.push(bytes);
  }
  const text = new TextEncoder().encode(JSON.stringify(header) + padding);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return Buffer.concat([length, text, ...parts]);
}

/** The contents of one of our files, as raw bytes. */
function held(file: Uint8Array): [string, StoredTensor & { data: Uint8Array }][] {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const { data_offsets: _, ...header } = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  return [...readSafetensors(file).tensors].map(([name, { dtype, shape }]) => {
    const [from, to] = header[name].data_offsets;
    return [name, { dtype, shape, data: file.subarray(start + from, start + to) }];
  });
}

/** All weights of a model, quantised or not, as one string. */
async function weights(of: GPT): Promise<string> {
  const all: string[] = [];
  for (const { name, value } of slots(of)) {
    if (!isQuantized(value)) all.push(`${name} ${await value.data()}`);
    else
      all.push(
        `${name} ${await ('codes' in value ? value.codes : value.values).data()} ${await value.scale.data()}`,
      );
  }
  return all.join('\n');
}

/** Stores of every kind, with the files of `source`. */
async function places(files: ReadonlyMap<string, Uint8Array>): Promise<{ stores: Store[]; close(): void }> {
  const [memory, disk] = [memoryStore(), folderStore(join(folder, String(Math.random())))];
  for (const store of [memory, disk]) await store.writeAll(files);
  const server = createServer((request, response) => {
    const bytes = files.get(request.url?.slice(1) ?? '');
    response.statusCode = bytes ? 200 : 404;
    response.end(request.method === 'HEAD' ? undefined : bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const web = urlStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { stores: [memory, disk, web], close: () => server.close() };
}

test('every format is read from every store, wherever its tensors lie: float, bf16, INT8, INT4', async () => {
  const formats = {
    float32: await modelFiles({ model, tokenizer }),
    bf16: await modelFiles({ model, tokenizer }, { matrices: 'bf16' }),
    int8: await modelFiles({ model: await quantize(model), tokenizer }),
    int4: await modelFiles({
      model: await quantize(model, { bits: 4, groupSize: 32, method: 'rtn' }),
      tokenizer,
    }),
  };
  for (const [format, files] of Object.entries(formats)) {
    const own = memoryStore();
    await own.writeAll(files);
    const expected = await weights((await loadModel(own, { backend })).model);
    const tensors = held(files.get('model.safetensors') as Uint8Array);
    for (const padding of ['', ' ', '  ', '   ']) {
      const changed = new Map(files).set(
        'model.safetensors',
        foreignFile(tensors.toReversed(), null, padding),
      );
      const { stores, close } = await places(changed);
      for (const store of stores) {
        const notes: string[] = [];
        const loaded = await loadModel(store, { backend, onNote: (note) => notes.push(note) });
        assert.equal(await weights(loaded.model), expected, `${format} from ${store.location}`);
        assert.match(
          notes.at(-1) as string,
          /model\.safetensors was written by another program: names, shapes/,
        );
        assert.equal(notes.length, format === 'int8' ? 2 : 1, format);
        loaded.model.dispose();
      }
      close();
    }
  }
});

test('a slice of a Buffer pool is what it is', async () => {
  const pool = Buffer.alloc(100_000_003);
  const file = (await modelFiles({ model, tokenizer })).get('model.safetensors') as Uint8Array;
  for (const at of [1, 2, 3, 7]) {
    pool.set(file, at);
    const back = readSafetensors(pool.subarray(at, at + file.length));
    assert.deepEqual(back.tensors, readSafetensors(file).tensors);
  }
});

test('half precision of other programs is taken; what would round or guess is not', async () => {
  const store = memoryStore();
  await saveModel(store, { model, tokenizer });
  const tensors = held(await store.read('model.safetensors'));
  const load = (changed: typeof tensors, metadata: object | null = { format: 'pt' }): Promise<unknown> =>
    store
      .write('model.safetensors', foreignFile(changed, metadata))
      .then(() => loadModel(store, { backend }));
  const as = (dtype: 'F16' | 'F64' | 'I32', width: number): typeof tensors =>
    tensors.map(([name, t], i) => {
      const n = t.shape.reduce((a, b) => a * b, 1);
      return i === 0 ? [name, { ...t, dtype, data: new Uint8Array(n * width) }] : [name, t];
    });
  await load(as('F16', 2));
  await assert.rejects(load(as('F64', 8)), /is F64: expected F32, F16 or BF16, or I8 or U8 for a matrix/);
  await assert.rejects(load(as('I32', 4)), /is I32: expected F32/);
  await assert.rejects(load(tensors.slice(1)), /tensor [\w.]+ \[[\d, ]+\] is missing/);
  await assert.rejects(
    load([...tensors, ['extra', { dtype: 'F32', shape: [1], data: new Uint8Array(4) }]]),
    /surplus tensor extra/,
  );
  const nan = tensors.map(([name, t]): (typeof tensors)[0] => [
    name,
    { ...t, data: t.data.slice().fill(0xff) },
  ]);
  await assert.rejects(load(nan), /holds NaN at element 0: the model is damaged/);
});

test('what a config asks for is compared with the file before anything is allotted', async () => {
  const store = memoryStore();
  await saveModel(store, { model, tokenizer });
  const used = backend.memory().liveBytes;
  const load = async (changes: object): Promise<unknown> => {
    await store.write('config.json', new TextEncoder().encode(JSON.stringify({ ...config, ...changes })));
    return loadModel(store, { backend });
  };
  await assert.rejects(load({ nLayer: 1e9 }), /config\.json: nLayer 1000000000: at most 4096 blocks/);
  await assert.rejects(load({ nLayer: 4096 }), /tensor blocks\.2\.norm1\.weight \[32\] is missing/);
  await assert.rejects(
    load({ blockSize: 2 ** 22 }),
    /positions\.weight is \[8, 32\], config\.json asks for \[4194304, 32\]/,
  );
  await assert.rejects(load({ mlpRatio: 1e6 }), /mlp\.fc\.weight is \[128, 32\]/);
  assert.equal(backend.memory().liveBytes, used);
});

test('a header that asks for gigabytes is refused for what it is', () => {
  for (const [text, message] of [
    ['['.repeat(10_000_000), /more than 3 lists and objects inside each other/],
    [`{"a":[${'{},'.repeat(5_000_000)}{}]}`, /more than 2,000,000 values/],
  ] as const) {
    const file = new Uint8Array(8 + text.length);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(new TextEncoder().encode(text), 8);
    assert.throws(() => readSafetensors(file, 'm'), message);
  }
});

test('the bundled model is read from a file whose header ends anywhere', async () => {
  const bundled = new URL('../../../models/shakespeare/', import.meta.url);
  const file = await readFile(new URL('model.safetensors', bundled));
  const path = join(folder, 'model.safetensors');
  await writeFile(path, foreignFile(held(file), { format: 'pt' }, ' '));
  const back = readSafetensors(await readFile(path));
  assert.deepEqual(back.tensors.get('norm.weight'), readSafetensors(file).tensors.get('norm.weight'));
});
