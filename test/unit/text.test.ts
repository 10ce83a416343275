// What a text is: the checks that pages share with the command line.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkText, textFacts, textOddities, toUtf8 } from '../../src/index.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const prose = Array.from({ length: 4000 }, (_, i) => `A line of prose that has number ${i} in it.`).join(
  '\n',
);

describe('what is odd about a text', () => {
  test('nothing, of plain prose', () => {
    assert.deepEqual(textOddities(utf8(prose)), []);
    assert.deepEqual(textOddities(new Uint8Array(0)), []);
  });

  test('its line ends, long lines, repetition and shortness', () => {
    assert.deepEqual(textOddities(utf8(prose.replaceAll('\n', '\r\n'))), [
      'has Windows line ends (CRLF), which become tokens',
    ]);
    assert.deepEqual(textOddities(utf8(`${prose}\n${prose.slice(0, 100).replaceAll('\n', '\r\n')}`)), [
      'mixes line ends: 2 of 4,002 are of Windows (CRLF)',
    ]);
    assert.deepEqual(textOddities(utf8(`${prose}\n${'x'.repeat(12_345)}\n`)), [
      'has very long lines (the longest is line 4,001: 12,345 bytes)',
    ]);
    assert.deepEqual(textOddities(utf8(`${prose}\n${prose}`)), [
      'repeats itself: 49 % of it are lines seen before',
    ]);
    assert.deepEqual(textOddities(utf8('short')), ['is short (5 bytes): a model soon knows it by heart']);
  });
});

describe('text in another encoding', () => {
  test('windows-1252 has quotation marks, dashes and the euro, by all its names and on every platform', () => {
    const bytes = Uint8Array.from([0x93, 0x57, 0xe4, 0x94, 0x96, 0x80, 0x81]);
    for (const name of ['windows-1252', 'latin1', 'ISO-8859-1', 'ascii'])
      assert.equal(new TextDecoder().decode(toUtf8(bytes, name)), '“Wä”–€\x81', name);
    assert.throws(() => toUtf8(bytes, 'latin-99'), RangeError);
  });
});

describe('a file in a page, where nothing but its bytes is known', () => {
  test('is taken as it is, or without its mark', async () => {
    const bytes = utf8('The whale.\n');
    assert.deepEqual(await checkText(bytes), { bytes });
    const marked = await checkText(utf8('\ufeffThe whale.\n'));
    assert.ok('bytes' in marked);
    assert.deepEqual(marked.bytes, bytes);
    const wide = Uint8Array.from([0xff, 0xfe, ...[...'Wal ß'].flatMap((c) => [c.charCodeAt(0), 0])]);
    const converted = await checkText(wide);
    assert.ok('bytes' in converted);
    assert.equal(new TextDecoder().decode(converted.bytes), 'Wal ß');
  });

  test('is refused with the reason', async () => {
    const latin = Uint8Array.from('für Männer und Söhne', (c) => c.charCodeAt(0));
    const checked = await checkText(latin);
    assert.ok('problem' in checked);
    assert.equal(checked.problem.fix?.what, 'if it is text, save it as UTF-8');
    assert.equal(
      checked.problem.what,
      'is not text in UTF-8 (15 % of its bytes are not UTF-8, from byte 1 on)',
    );
    const pdf = await checkText(utf8('%PDF-1.7\n'));
    assert.ok('problem' in pdf);
    assert.deepEqual(pdf.problem, {
      what: 'is a PDF document, not text',
      fix: { what: 'save it as plain text' },
    });
  });

  test('has characters and lines', () => {
    assert.deepEqual(textFacts(utf8('für\nuns'), 1), {
      characters: 7,
      distinctCharacters: 7,
      lines: 2,
      first: ['für'],
    });
  });
});
