// Split patterns: chunks as the published patterns give them (checked once against their authors' own
// implementations).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkEnds, type Pattern } from '../../src/tokenizer/patterns.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function split(text: string, pattern: Pattern): string[] {
  const bytes = utf8(text);
  let start = 0;
  return Array.from(chunkEnds(bytes, pattern), (end) => {
    const chunk = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start, end));
    start = end;
    return chunk;
  });
}

const cases: [text: string, gpt2: string[], gpt4: string[]][] = [
  ["I'm  25!", ['I', "'m", ' ', ' 25', '!'], ['I', "'m", ' ', ' ', '25', '!']],
  ["WE'LL go", ['WE', "'", 'LL', ' go'], ['WE', "'LL", ' go']],
  ["it'\u017F", ['it', "'", '\u017F'], ['it', "'\u017F"]],
  ['1234567 x', ['1234567', ' x'], ['123', '456', '7', ' x']],
  ['a\n\n  b', ['a', '\n\n ', ' b'], ['a', '\n\n', ' ', ' b']],
  ['(hey)...\n\nyou', ['(', 'hey', ')...', '\n', '\n', 'you'], ['(hey', ')...\n\n', 'you']],
  ['\tdef  ', ['\t', 'def', '  '], ['\tdef', '  ']],
  ['naïve 🖋🖋 中文。', ['naïve', ' 🖋🖋', ' 中文', '。'], ['naïve', ' 🖋🖋', ' 中文', '。']],
  ['a\u0085b\uFEFFc', ['a', '\u0085', 'b', '\uFEFF', 'c'], ['a', '\u0085b', '\uFEFFc']],
  ['', [], []],
];

for (const [text, gpt2, gpt4] of cases)
  test(`splits ${JSON.stringify(text)}`, () => {
    assert.deepEqual(split(text, 'gpt2'), gpt2);
    assert.deepEqual(split(text, 'gpt4'), gpt4);
    assert.deepEqual(split(text, 'none'), text === '' ? [] : [text]);
  });

test('a byte that is not UTF-8 is one unknown character', () => {
  // `é`, a stray continuation byte, a cut-off 🖋, `b`
  const bytes = Uint8Array.of(...utf8('é'), 0x80, 0xf0, 0x9f, ...utf8('b'));
  assert.deepEqual([...chunkEnds(bytes, 'gpt2')], [2, 5, 6]);
  assert.deepEqual([...chunkEnds(bytes, 'gpt4')], [2, 5, 6]);
});

test('a chunk may be millions of characters long', () => {
  const bytes = new Uint8Array(5_000_000).fill(97);
  for (const pattern of ['gpt2', 'gpt4'] as const)
    assert.deepEqual([...chunkEnds(bytes, pattern)], [bytes.length]);
});
