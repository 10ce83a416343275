// Token ids as text in pieces: wherever it is cut, the ids are the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idText, readIds } from '../../src/cli/id-stream.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Ids of a vocabulary without the tokens in `gap`. */
async function read(pieces: readonly string[], gap: readonly number[] = []): Promise<number[]> {
  const ids: number[] = [];
  const hasToken = (id: number): boolean => id >= 0 && id < 1000 && !gap.includes(id);
  for await (const part of readIds(pieces.map(utf8), { vocabSize: 1000, hasToken })) ids.push(...part);
  return ids;
}

test('ids are read from lists of all kinds, cut at any place', async () => {
  for (const text of ['1 23 456\n', '[1,23,456]', ' 1\r\n23,\t456', '1 23 456'])
    for (let cut = 0; cut <= text.length; cut++)
      assert.deepEqual(await read([text.slice(0, cut), text.slice(cut)]), [1, 23, 456], `${text} at ${cut}`);
  assert.deepEqual(await read([]), []);
});

test('what is no id is refused, and not gathered without end', async () => {
  await assert.rejects(read(['1 1000']), /"1000" is not a token id: they go from 0 to 999/);
  await assert.rejects(read(['1 -', '1']), /"-1" is not a token id/);
  await assert.rejects(read(['1 1.5']), /"1.5" is not a token id/);
  await assert.rejects(
    read(['300'], [300, 301]),
    /no token has the id 300, which lies in a gap: the nearest are 299 and 302$/,
  );
  await assert.rejects(read(['0'], [0]), /no token has the id 0, which lies in a gap: the nearest are 1$/);
  await assert.rejects(read(Array(1000).fill('x'.repeat(60))), /"x{57}\.\.\." is not a token id/);
});

test('ids are written as one list', async () => {
  const parts = [Int32Array.of(1, 2), Int32Array.of(), new Int32Array(300_000).fill(7), Int32Array.of(3)];
  const expected = parts.flatMap((part) => [...part]).join(' ');
  let written = '';
  for await (const text of idText(parts, ' ')) written += text;
  assert.equal(written, expected);
});
