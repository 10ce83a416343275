// Reading JSON documents: limits before parsing, and schemas whose errors name file and field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson, readJson } from '../../src/base/json.ts';
import * as s from '../../src/base/schema.ts';

interface Run {
  title: string;
  steps: number;
  best: { valLoss: number } | null;
  events: Event[];
  tokenizer?: string;
}

type Event = { type: 'step'; loss: number } | { type: 'done'; reason: 'finished' | 'aborted' };

const schema = s.object<Run>({
  title: s.string,
  steps: s.integer({ min: 1 }),
  best: s.nullable(s.object({ valLoss: s.number() })),
  events: s.array(
    s.union<Event, 'type'>('type', {
      step: s.object({ type: s.oneOf('step'), loss: s.measured }),
      done: s.object({ type: s.oneOf('done'), reason: s.oneOf('finished', 'aborted') }),
    }),
  ),
  tokenizer: s.optional(s.string),
});

const good = {
  title: 'x',
  steps: 3,
  best: { valLoss: 1 },
  events: [
    { type: 'step', loss: 2 },
    { type: 'done', reason: 'finished' },
  ],
};

const read = (value: unknown): Run => readJson(JSON.stringify(value), 'runs/a/run.json', schema);

test('what fits comes back as it was, with fields that a newer version may have added', () => {
  assert.deepEqual(read(good), good);
  assert.deepEqual(read({ ...good, later: 1 }), { ...good, later: 1 });
});

test('an error names the file, the field, its value and what was expected', () => {
  const cases: [unknown, RegExp][] = [
    [{ ...good, steps: null }, /^Error: runs\/a\/run\.json: steps is null: expected a whole number >= 1$/],
    [{ ...good, steps: 'NaN' }, /steps is "NaN": expected a whole number >= 1$/],
    [{ ...good, steps: 1.5 }, /steps is 1\.5: /],
    [{ ...good, steps: 2 ** 60 }, /steps is 1152921504606847000: expected a whole number/],
    [{ ...good, title: undefined }, /title is missing: expected a text$/],
    [{ ...good, best: [] }, /best is an empty list: expected an object$/],
    [{ ...good, best: { valLoss: {} } }, /best\.valLoss is an object: expected a number$/],
    [
      { ...good, events: [{ type: 'step', loss: 'x' }] },
      /events\[0\]\.loss is "x": expected a number, or null/,
    ],
    [{ ...good, events: [{ type: 'stop' }] }, /events\[0\]\.type is "stop": expected one of step, done$/],
    [{ ...good, events: [null] }, /events\[0\] is null: expected an object$/],
    [{ ...good, tokenizer: null }, /tokenizer is null: expected a text$/],
    [[good], /run\.json: the content is a list of 1: expected an object$/],
    [{ ...good, title: 5 }, /title is 5: /],
  ];
  for (const [value, message] of cases) assert.throws(() => read(value), message);
});

test('names of the language are no fields', () => {
  assert.throws(() => readJson('{}', 'f', s.object<{ toString: string }>({ toString: s.string })), /missing/);
  const proto = '{"__proto__": {"a": 1}}';
  assert.throws(() => readJson(proto, 'f', s.object({ a: s.number() })), /f: a is missing/);
  assert.deepEqual(Object.keys(readJson(proto, 'f', s.record(s.record(s.number())))), ['__proto__']);
});

test('null stands for a measurement that was not finite; 1e999 for nothing', () => {
  assert.ok(Number.isNaN(readJson('null', 'f', s.measured)));
  assert.throws(() => readJson('1e999', 'f', s.measured), /is Infinity: expected/);
  assert.throws(() => readJson('-1e999', 'f', s.number()), /is -Infinity: expected a number$/);
});

test('older files lack what has a default', () => {
  const schema = s.object<{ precision: string }>({ precision: s.otherwise(s.string, 'f32') });
  assert.deepEqual(readJson('{}', 'f', schema), { precision: 'f32' });
  assert.throws(() => readJson('{"precision":null}', 'f', schema), /precision is null/);
});

test('values from a file reach an error message on one line, printable and short', () => {
  const value = { ...good, steps: `\u001b[31m\n\u202e${'x'.repeat(1000)}` };
  assert.throws(
    () => read(value),
    ({ message }: Error) => message.length < 200 && !/[\p{Cc}\p{Cf}]/u.test(message),
  );
  assert.throws(
    () => parseJson('{\n"a": \u001b[2J}'),
    ({ message }: Error) => !/\p{Cc}/u.test(message),
  );
});

test('a document says itself what is wrong with it', () => {
  const cases: [Uint8Array | string, RegExp][] = [
    ['', /^Error: the file is empty$/],
    [' \n', /empty/],
    ['{"a": [1, 2', /^Error: the file is not valid JSON: cut off after 11 characters/],
    ['{"a": "b', /cut off/],
    ['{"a": "b\\"', /cut off/],
    ['{"a": 1,}', /^Error: the file is not valid JSON: /],
    ['nonsense', /not valid JSON/],
    ['{"a": 1, "b": {"a": 2}, "\\u0061": 3}', /"a" occurs twice in the file/],
    [Uint8Array.of(0x22, 0xff, 0x22), /not even UTF-8/],
    [Uint8Array.of(0xff, 0xfe, 0x22, 0), /UTF-16/],
  ];
  for (const [source, message] of cases) assert.throws(() => parseJson(source), message);
  assert.deepEqual(parseJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)), 1, 'a byte order mark');
  assert.deepEqual(parseJson('["{[", "a\\\\", {"b": "}\\""}]'), ['{[', 'a\\', { b: '}"' }]);
});

test('size, depth and number of values are judged before anything is built', () => {
  const before = process.memoryUsage().heapUsed;
  assert.throws(() => parseJson('['.repeat(10_000_000)), /more than 32 lists and objects inside each other/);
  assert.throws(() => parseJson(`[${'{},'.repeat(10_000_000)}{}]`), /more than 2,000,000 values/);
  assert.ok(process.memoryUsage().heapUsed - before < 200e6);
  assert.throws(() => parseJson('[1, 2]', { bytes: 5 }), /the file has 6 bytes: at most 5 are read/);
  assert.deepEqual(parseJson('[[1]]', { depth: 2 }), [[1]]);
  assert.throws(() => parseJson('[[[1]]]', { depth: 2 }), /more than 2 lists/);
});
