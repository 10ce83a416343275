// The token before a text without a prompt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonStart } from '../../src/generate/start.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { dataset } from '../../src/train/data.ts';

/** The start token that training finds in `text`, as text. */
function found(text: string, vocabSize: number, specialTokens: readonly string[] = []): string {
  const tokenizer = Tokenizer.train(text, { vocabSize, specialTokens });
  return tokenizer.decode([dataset(text, tokenizer).startToken as number]);
}

/** Many different lines, each ended by `end`. */
function lines(end: string): string {
  const words = ['the', 'old', 'whale', 'swam', 'by', 'and', 'sang'];
  return Array.from({ length: 300 }, (_, i) => {
    const line = Array.from({ length: 3 + (i % 4) }, (_, k) => words[(i * i + 3 * k) % words.length]);
    return `${line.join(' ')}${'.,!?;:'[i % 6]}${end}`;
  }).join('');
}

test('is a line break of its own, however the text writes it', () => {
  assert.equal(found(lines('\n'), 257), '\n');
  assert.equal(found(lines('\n\n'), 258), '\n\n');
  assert.equal(found(lines('\r\n'), 272), '\r\n');
});

test('is a token that ends in a line feed where no line break is one', () => {
  const text = 'so it goes.\n'.repeat(400);
  const start = found(text, 270);
  assert.ok(start.endsWith('\n') && start.length > 1, JSON.stringify(start));
});

test('is white space, or just frequent, in a text without line feeds', () => {
  assert.match(found('the old whale swam and the old man sang '.repeat(100), 260), /\s$/);
  assert.match(found('acgtttgacagtacgat'.repeat(100), 258), /^[acgt]+$/);
});

test('is the end-of-text token only where the text has it', () => {
  const special = ['<|endoftext|>'];
  assert.equal(found(lines('\n'), 260, special), '\n');
  assert.equal(
    found(`${lines('\n')}<|endoftext|>${lines('\n')}<|endoftext|>x`, 260, special),
    '<|endoftext|>',
  );
});

test('is always a token of the text', () => {
  for (const text of ['ab'.repeat(30), 'ä\n'.repeat(30), '\u0000\u0001'.repeat(30)]) {
    const tokenizer = Tokenizer.train(text, { vocabSize: 257 });
    const ids = tokenizer.encode(text);
    assert.ok(ids.includes(commonStart(ids, tokenizer)), JSON.stringify(text));
  }
  assert.throws(() => commonStart(new Int32Array(0), Tokenizer.train('ab', { vocabSize: 256 })), /no tokens/);
});
