// Damaged files of PyTorch, and arbitrary pickles: an error of one line, or a model; never another error,
// never more memory than the file justifies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importFiles } from '../../src/exchange/import.ts';
import { readPickle } from '../../src/exchange/torch/pickle.ts';
import { memoryStore } from '../../src/io/store.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { Call, nanoGptContents, pickled, Tuple, torchArchive, torchLegacy } from '../support/torch-file.ts';

const tokenizer = new Tokenizer({ merges: [] });
const names = {
  makers: new Map([['collections.OrderedDict', () => new Map()]]),
  mentioned: new Set<string>(),
};

function oneLine(error: unknown): void {
  assert.equal((error as Error).constructor, Error, `${(error as Error).stack}`);
  assert.match((error as Error).message, /^[^\n]+$/);
}

/** Reads a pickle, and accepts only success or an error of one line. */
function readOrRefuse(bytes: Uint8Array): void {
  try {
    readPickle(bytes, names);
  } catch (error) {
    oneLine(error);
  }
}

/** nanoGPT's checkpoint of one block. */
function checkpoint(): Map<unknown, unknown> {
  return new Map<unknown, unknown>([...nanoGptContents(256, 2, 0.5), ['iter_num', 7]]);
}

test('pickles of arbitrary bytes, and of arbitrary instructions', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readOrRefuse), { numRuns: 2000 });
  const likely = fc.constantFrom(
    ...Buffer.from('\x80\x02(]}).aeutsqhrjKMJXNRQbc012\x85\x86\x87\x88\x93\x94\x81', 'latin1'),
  );
  const program = fc.array(fc.oneof(likely, fc.nat(3), fc.nat(255)), { maxLength: 80 });
  fc.assert(
    fc.property(program, (bytes) => readOrRefuse(Uint8Array.from(bytes))),
    { numRuns: 3000 },
  );
});

test('pickles with bytes changed or cut off', () => {
  const value = new Map<unknown, unknown>([
    ['a', [1, 2 ** 31 - 1, 0.5, null, true, Uint8Array.of(1, 2)]],
    [new Tuple(1, 2), new Call('collections', 'OrderedDict', [])],
    ['long', 2n ** 100n],
  ]);
  const whole = pickled(value);
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(damage, fc.nat(whole.length), (damage, length) => {
      const bytes = whole.slice(0, Math.max(length, 1));
      for (const [at, to] of damage) bytes[at % bytes.length] = to;
      readOrRefuse(bytes);
    }),
    { numRuns: 3000 },
  );
});

for (const [container, save] of [
  ['archives', torchArchive],
  ['old files', torchLegacy],
] as const) {
  test(`${container} with bytes changed or cut off`, async () => {
    const whole = save(checkpoint());
    const used = process.memoryUsage().arrayBuffers;
    let most = 0;
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 });
    const length = fc.oneof(fc.constant(whole.length), fc.nat(whole.length));
    let read = 0;
    await fc.assert(
      fc.asyncProperty(damage, length, async (damage, length) => {
        const bytes = whole.slice(0, Math.max(length, 1));
        for (const [at, to] of damage) bytes[at % bytes.length] = to;
        const store = memoryStore('fuzz');
        await store.write('ckpt.pt', bytes);
        try {
          await importFiles(store, { file: 'ckpt.pt', tokenizer });
          read++;
        } catch (error) {
          oneLine(error);
        }
        most = Math.max(most, process.memoryUsage().arrayBuffers - used);
      }),
      { numRuns: 1500 },
    );
    assert.ok(read > 0, 'none was left whole');
    assert.ok(most < 200e6, `${most} bytes for files of ${whole.length}`);
  });
}
