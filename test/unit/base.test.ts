// The ground floor: checksums, statistics, misspelt names, the form of values and tokens in text.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import { crc32 } from '../../src/base/crc32.ts';
import { formatAmount, formatChange, formatNumbered } from '../../src/base/format.ts';
import { globToRegExp } from '../../src/base/glob.ts';
import { editDistance, nearest } from '../../src/base/nearest.ts';
import { missingPackage } from '../../src/base/node-packages.ts';
import { excerpt } from '../../src/base/schema.ts';
import { divergence, entropy, mean, median, scaledExp, softmax } from '../../src/base/statistics.ts';
import { shortLine, visibleLine } from '../../src/base/visible.ts';

test('a CRC-32 is that of zlib, also in parts', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * i * 31 + i) >> 3);
  for (const length of [0, 1, 7, 8, 9, 15, 16, 1000]) {
    const part = bytes.subarray(0, length);
    assert.equal(crc32(part), zlib.crc32(part), `${length} bytes`);
    assert.equal(crc32(bytes.subarray(length), crc32(part)), zlib.crc32(bytes), `cut at ${length}`);
  }
});

describe('statistics', () => {
  test('the median of an even number of values is the mean of the middle two', () => {
    const values = [9, 1, 3];
    assert.equal(median(values), 3);
    assert.equal(median([9, 1, 3, 4]), 3.5);
    assert.deepEqual(values, [9, 1, 3], 'the values stay in their order');
    assert.ok(Number.isNaN(median([])) && Number.isNaN(mean([])));
    assert.equal(mean([1, 2, 6]), 3);
  });

  test('a softmax neither overflows nor loses its sum', () => {
    const p = softmax(Float32Array.of(1000, 1000 + Math.log(3), -1000));
    for (const [i, expected] of [0.25, 0.75, 0].entries()) assert.ok(Math.abs(p[i] - expected) < 1e-4);
    const { weights, sum, logSum } = scaledExp(Float32Array.of(-800, -800), -800);
    assert.deepEqual([...weights, sum, logSum], [1, 1, 2, -800 + Math.LN2]);
  });

  test('entropy and divergence are of distributions, in nats', () => {
    assert.equal(entropy(Float32Array.of(1, 0)), 0);
    assert.ok(Math.abs(entropy(Float32Array.of(0.5, 0.5)) - Math.LN2) < 1e-7);
    const [p, q] = [Float32Array.of(0.5, 0.5, 0), Float32Array.of(0.25, 0.5, 0.25)];
    assert.equal(divergence(p, p), 0);
    assert.ok(Math.abs(divergence(p, q) - 0.5 * Math.LN2) < 1e-7);
  });
});

describe('names', () => {
  test('fit globs as a whole', () => {
    const fits = (glob: string, name: string): boolean => globToRegExp(glob).test(name);
    assert.ok(fits('blocks.*.mlp', 'blocks.3.mlp') && !fits('blocks.*', 'blocks.3.mlp'));
    assert.ok(fits('blocks.**', 'blocks.3.mlp') && fits('{a,b}.c', 'b.c') && !fits('{a,b}.c', 'ab.c'));
    assert.ok(fits('a+b', 'a+b') && !fits('a+b', 'aab') && !fits('a.b', 'a-b'));
    for (const glob of ['{a', 'a}', '}{'])
      assert.throws(() => globToRegExp(glob), /a \{ without its \}, or the other way round/, glob);
  });

  test('are suggested by how few keys were missed', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('lnes', 'lens'), 1);
    assert.deepEqual(nearest('--modle', ['--data', '--mode', '--model'], 2), ['--mode', '--model']);
  });
});

test('a package that an import did not find is named, whoever did not find it', async () => {
  const absent = './no-such-file.js';
  const { code, message } = await import(absent).catch((error) => error);
  assert.equal(code, 'ERR_MODULE_NOT_FOUND');
  const of = (code: string, message: string, data?: object): string | null =>
    missingPackage(Object.assign(new Error(message), { code, data }));
  assert.equal(of(code, message), ''); // a file of ours is no package
  assert.equal(of(code, "Cannot find package '@a/b' imported from /c/d.js"), '@a/b');
  assert.equal(of('MODULE_NOT_FOUND', "Cannot find module 'a/b/c.ttf'\nRequire stack:\n- /d.js"), 'a');
  const byYarn =
    "inkhorn tried to access koffi (a peer dependency) but it isn't provided\n\nRequired package: koffi";
  assert.equal(of('MODULE_NOT_FOUND', byYarn), 'koffi');
  assert.equal(of('MODULE_NOT_FOUND', 'not declared', { request: '@a/b/c' }), '@a/b');
  assert.equal(of('ERR_DLOPEN_FAILED', "'a' does not load"), null);
});

describe('what people read', () => {
  test('counts things in the singular and the plural', () => {
    assert.deepEqual(
      [0, 1, 1234].map((n) => formatAmount(n, 'byte')),
      ['0 bytes', '1 byte', '1,234 bytes'],
    );
    assert.deepEqual(
      [formatNumbered(1, 'head'), formatNumbered(6, 'head')],
      ['1 head, number 0', '6 heads, 0 to 5'],
    );
  });

  test('gives a change its sign, and none where it rounds to nothing', () => {
    const changes = [0.0123, -0.3, 1e-9, -1e-9, 0].map((x) => formatChange(x, 3));
    assert.deepEqual(changes, ['+0.012', '-0.300', '0.000', '0.000', '0.000']);
  });

  test('shows a token the same everywhere, on one line', () => {
    assert.equal(visibleLine(' a\n\t\\xE2\u0007\u00a0\u202e'), '␣a\\n\\t\\xE2\\x07\\u{A0}\\u{202E}');
    assert.equal(shortLine(' citizen', 5), '␣cit…');
    assert.equal(shortLine(' cit', 5), '␣cit');
  });

  test('quotes a value from a file on one line, cut short', () => {
    assert.equal(excerpt(undefined), 'undefined');
    assert.equal(excerpt({ a: ['\u2028\n'] }), '{"a":["\\u2028\\n"]}');
    assert.equal(excerpt('x'.repeat(100)).length, 80);
  });
});
