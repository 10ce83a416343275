// A store as a .zip and back: names of every script, and what is refused.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { zipSync } from 'fflate';
import { archiveOf, archiveStore } from '../../src/io/browser-archive.ts';
import { memoryStore } from '../../src/io/store.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The archive, and where its directory has its first entry. */
async function archived(
  names: readonly string[],
): Promise<{ bytes: Uint8Array<ArrayBuffer>; entry: number }> {
  const store = memoryStore('Жизнь 1');
  for (const name of names) await store.write(name, utf8(`the contents of ${name}`));
  const bytes = new Uint8Array(await (await archiveOf(store, store.location)).arrayBuffer());
  return { bytes, entry: Buffer.from(bytes).indexOf('PK\x01\x02', 0, 'latin1') };
}

describe('an archive', () => {
  const names = ['注文.json', 'model.safetensors'];

  test('has its names and its contents back, in every script', async () => {
    const { bytes } = await archived(names);
    const store = await archiveStore(new Blob([bytes]), 'a.zip');
    assert.equal(store.location, 'Жизнь 1');
    assert.deepEqual(await store.list(), ['model.safetensors', '注文.json']);
    for (const name of names) assert.deepEqual(await store.read(name), utf8(`the contents of ${name}`));
  });

  test('is made by Unix, in UTF-8: unzip would read the names in a code page of MS-DOS', async () => {
    const { bytes, entry } = await archived(names);
    const view = new DataView(bytes.buffer);
    assert.equal(view.getUint8(entry + 5), 3);
    assert.equal(view.getUint16(entry + 8, true) & 0x800, 0x800);
    assert.equal(view.getUint32(entry + 38, true) >>> 16, 0o100644);
  });

  test('is refused where it is damaged, is cut off, or leads elsewhere', async () => {
    const refused = async (bytes: Uint8Array<ArrayBuffer>, reason: RegExp): Promise<void> => {
      await assert.rejects(archiveStore(new Blob([bytes]), 'a.zip'), reason);
    };
    const damaged = await archived(['model.safetensors']); // which are not compressed
    damaged.bytes[Buffer.from(damaged.bytes).indexOf('the contents')] ^= 1;
    await refused(
      damaged.bytes,
      /^Error: a\.zip: Жизнь 1\/model\.safetensors in it is damaged .*: download it again$/,
    );
    const { bytes } = await archived(names);
    await refused(bytes.slice(0, bytes.length - 30), /^Error: a\.zip: no \.zip file, or a damaged one/);
    await refused(new Uint8Array(zipSync({ 'a/../b': utf8('x') })), /whose path leads elsewhere$/);
  });
});
