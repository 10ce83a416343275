// Every table of options, whatever it is for; and what tables are made of.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import * as f from '../../src/base/fields.ts';
import type { Flag } from '../../src/cli/flags.ts';
import { wholeCommands } from '../support/commands.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const sources = readdirSync(join(root, 'src'), { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && file !== 'base/fields.ts')
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }));

/** Every table that src/ exports, by its name: whoever adds one has it tested. */
const tables = new Map<string, f.Fields>();
for (const { file, text } of sources) {
  for (const [, name] of text.matchAll(/^export const (\w+): Table</gm)) {
    const built = pathToFileURL(join(root, 'dist/src', file.replace(/\.ts$/, '.js'))).href;
    tables.set(name, (await import(built))[name]);
  }
}

/** Rows that a table was made of in another one are met twice. */
const rows = [...tables].flatMap(([table, fields]) =>
  Object.entries(fields).map(([name, row]) => ({ table, name, row })),
);

/** Values beside the limits of a row, and of other types. */
function wrong({ form, schema }: f.AnyField): unknown[] {
  const others = [null, Number.NaN, {}, ...(form.kind === 'custom' ? [] : [() => 1, Symbol('no')])];
  return [...others, ...outside(form)].filter((value) => !passes(schema, value));
}

function outside(form: f.Form): unknown[] {
  switch (form.kind) {
    case 'integer':
    case 'number': {
      const { min, max, above, below } = form.limits;
      const beyond = [min && min - 1, min === 0 ? -1 : undefined, max && max + 1, above, below];
      return ['1', true, ...beyond.filter((x) => x !== undefined), ...(form.kind === 'integer' ? [1.5] : [])];
    }
    case 'choice':
      return ['no such word', -1, true];
    case 'flag':
      return ['true', 0];
    case 'text':
      return [1, ['a']];
    case 'texts':
      return ['a', [''], [1]];
    case 'custom':
      return [];
  }
}

function passes(schema: (value: unknown) => unknown, value: unknown): boolean {
  try {
    schema(value);
    return true;
  } catch {
    return false;
  }
}

describe('every table of options', () => {
  test('is found', () => {
    for (const known of ['configFields', 'settingFields', 'generateFields', 'quantizeFields'])
      assert.ok(tables.has(known), known);
  });

  test('says of every option what it is for, in a line', () => {
    for (const { table, name, row } of rows) {
      assert.match(row.about, /^\S[^\n]{3,}\S$/, `${table}.${name}`);
      assert.doesNotMatch(row.about, /[.:;]$/, `${table}.${name}: the help goes on after it`);
    }
  });

  test('has defaults that pass its own checks', () => {
    for (const { name, row } of rows)
      if (row.default !== undefined) assert.equal(f.checkValue(row, row.default, name), row.default);
  });

  test('has a default where older files lack the field', () => {
    for (const { table, name, row } of rows)
      if (row.younger) assert.notEqual(row.default, undefined, `${table}.${name}`);
  });

  test('refuses what is out of range in one line with name, value and limit', () => {
    for (const { table, name, row } of rows) {
      const values = wrong(row);
      assert.ok(values.length >= 2, `${table}.${name} refuses nothing`);
      for (const value of values)
        assert.throws(
          () => f.checkValue(row, value, name),
          (error: Error) => error.message.startsWith(name) && /^[^\n]+ is not [^\n]+$/.test(error.message),
          `${table}.${name}`,
        );
    }
  });

  test('refuses unknown names, and says which was meant', () => {
    for (const [table, fields] of tables) {
      const [name] = Object.keys(fields);
      for (const mistyped of [`${name}x`, name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`).toUpperCase()])
        assert.throws(
          () => f.complete(fields, { [mistyped]: 1 }, 'this'),
          new RegExp(`unknown option '${mistyped}' for this: (known are .*; )?did you mean '${name}'\\?$`),
          table,
        );
      assert.throws(() => f.checkRecord(fields, { [`${name}x`]: 1 }, 'thing'), /^Error: unknown thing '/);
    }
  });

  test('has a JSON Schema that takes its defaults and refuses what its checks refuse', () => {
    const ajv = new Ajv2020({ strict: true, allErrors: true });
    for (const [table, fields] of tables) {
      const schema = f.jsonSchemaOf(fields);
      const validate: ValidateFunction = ajv.compile(schema);
      const needed = Object.fromEntries(schema.required.map((name) => [name, smallest(fields[name])]));
      const given = JSON.parse(JSON.stringify({ ...needed, ...finite(f.defaultsOf(fields)) }));
      const inJson = Object.entries(given).filter(([name]) => name in schema.properties);
      assert.ok(validate(Object.fromEntries(inJson)), `${table}: ${ajv.errorsText(validate.errors)}`);
      assert.ok(!validate({ ...needed, noSuchOption: 1 }), table);
      for (const name of schema.required) assert.ok(!validate({}), `${table} without ${name}`);
      for (const name of Object.keys(schema.properties))
        for (const value of wrong(fields[name]).filter(isJson))
          assert.ok(!validate({ ...needed, [name]: value }), `${table}.${name} ${JSON.stringify(value)}`);
    }
  });
});

/** Infinity is said in JSON by leaving the option out. */
function finite(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== Infinity));
}

function smallest({ form }: f.AnyField): unknown {
  if (form.kind === 'texts') return [];
  if (form.kind === 'custom') return JSON.stringify(form.json).startsWith('{"type":"array"') ? [] : '';
  if (form.kind === 'choice') return form.choices[0];
  return 'limits' in form ? (form.limits.min ?? 1) : 1;
}

function isJson(value: unknown): boolean {
  return JSON.stringify(value) !== undefined && !Number.isNaN(value);
}

describe('every record of options', () => {
  /** The types of records that have no table, and why. docs/decisions.md says more. */
  const without: Readonly<Record<string, string>> = {
    AdamWOptions: 'arguments of a kernel, which has a row in signatures.ts',
    StatisticsOptions: 'the same',
    OptimizerOptions: 'a part of TrainSettings',
    ScheduleOptions: 'a part of TrainSettings',
    GroupOptions: 'a part of TrainSettings',
    GradientOptions: 'made by the training loop, of settings that are checked',
    LossOptions: 'the same',
    ProbeOptions: 'made by the training loop and by measureTaps',
    WarningOptions: 'the thresholds of the rules, which no door hands out',
    GenerateSettings: 'GenerateOptions after their check',
    FetchOptions: 'made by loadCorpus, of options that are checked',
    ReadOptions: 'made by loadCorpus',
    StreamOptions: 'made by the command line, of flags that are checked',
    EncodeStreamOptions: 'the same',
    EncodeFileOptions: 'the same',
    LearnOptions: 'the same',
    UnitOptions: 'made by encodeFile and countStream',
    WorkerTrainOptions: 'checked by what of trainFields can be sent to a worker; likewise:',
    WorkerFolderOptions: 'runFolderFields',
    WorkerGenerateOptions: 'generateFields',
    PlainTrainOptions: 'what of TrainOptions is sent to a worker',
    PlainFolderOptions: 'what of RunFolderOptions is sent to a worker',
    PlainGenerateOptions: 'what of GenerateOptions is sent to a worker',
    WebgpuOptions: 'for tests and benchmarks of the engine',
    TrainViewOptions: 'made by the command line, of flags that are checked',
    EmbeddingOptions: 'made by the command line',
    TokenOptions: 'made by the command line',
    StudioOptions: 'made by the command line',
    TokenizerConfig: 'a file that is written, of no options',
    AppOptions: 'made by serveModels',
    CompletionSettings: 'CompletionRequest after its check',
    ChoiceSettings: 'the same, for one choice',
  };
  const NAMES = /^export (?:interface|type) (\w*(?:Options|Settings|Config|Split|InSlices|Extras))\b/gm;
  const records = sources.flatMap(({ text }) => Array.from(text.matchAll(NAMES), ([, name]) => name));
  const tabled = sources.flatMap(({ text }) =>
    Array.from(text.matchAll(/const \w+: Table<\s*([^>]+?)[,>]/g), ([, type]) => type.split(' & ')),
  );

  test('has a table, or a reason for none', () => {
    assert.ok(records.includes('LoadOptions'), 'the search finds no types');
    const untold = records.filter((name) => !tabled.flat().includes(name) && !(name in without));
    assert.deepEqual(untold, []);
  });

  test('of which a reason speaks is there, and has no table', () => {
    for (const name of Object.keys(without)) {
      assert.ok(records.includes(name), name);
      assert.ok(!tabled.flat().includes(name), name);
    }
  });

  test('has a name, so that it can have a table', () => {
    const nameless = sources.filter(({ text }) => /\boptions: \{[^}]*\} = \{\}/.test(text));
    assert.deepEqual(
      nameless.map(({ file }) => file),
      [],
    );
  });
});

describe('the flags of the command line', () => {
  /** Which command has the flags of which table, and what is not for a command line. */
  const places: [command: string, table: string, without: string[]][] = [
    ['generate', 'generateFields', ['prompt', 'tap', 'signal']],
    ['generate', 'engineFields', []],
    ['quantize', 'quantizeFields', ['calibration', 'filter', 'onProgress', 'signal']],
    ['compare', 'compareFields', ['signal', 'onProgress']],
    ['eval', 'evaluateFields', ['ranks', 'signal', 'onProgress']],
    ['train', 'splitFields', []],
    ['train', 'configFields', []],
    ['train', 'settingFields', []],
  ];

  for (const [command, table, without] of places) {
    test(`of ${command} cover ${table}`, () => {
      const flags = Object.entries(wholeCommands.find(({ name }) => name === command)?.flags ?? {});
      for (const [name, row] of Object.entries(tables.get(table) ?? {})) {
        const found: [string, Flag<unknown>] | undefined = flags.find(([, { option }]) => option === name);
        assert.equal(found === undefined, without.includes(name), `${name} of ${table}`);
        if (!found) continue;
        const [, flag] = found;
        assert.ok(flag.about.length > 3, name);
        if (!['integer', 'number', 'choice'].includes(row.form.kind)) continue;
        for (const value of wrong(row).filter((x) => typeof x === 'number'))
          assert.throws(() => flag.parse(String(value), '--flag'), /^Error: --flag \S+ is not /);
      }
    });
  }
});

describe('rows', () => {
  const fields = {
    count: f.integer({ about: 'how many', min: 1, default: 3 }),
    share: f.number({ about: 'how much', above: 0, max: 1, hint: '1 is all of it' }),
    most: f.integer({ about: 'at most', min: 0, noLimit: true, default: Number.POSITIVE_INFINITY }),
    way: f.choice(['up', 'down'], { about: 'which way', default: 'up' }),
    loud: f.flag({ about: 'so that it is heard' }),
    names: f.texts({ about: 'which ones' }),
    size: f.integer({ about: 'how large', min: 1, required: true }),
    onDone: f.callback<() => void>({ about: 'called at the end' }),
  };

  test('become complete options, whose types know their defaults', () => {
    const onDone = (): void => {};
    const { count, share, way, ...rest } = f.complete(fields, { share: 0.5, size: 2, onDone }, 'this');
    const typed: [number, number | undefined, 'up' | 'down'] = [count, share, way];
    assert.deepEqual(typed, [3, 0.5, 'up']);
    assert.deepEqual(rest, { most: Infinity, loud: undefined, names: undefined, size: 2, onDone });
  });

  test('are refused with the hint, an element by its place, a missing one by what it is for', () => {
    const bad = (given: object, message: RegExp): void =>
      assert.throws(() => f.complete(fields, { size: 1, ...given }, 'this'), message);
    bad({ count: 0 }, /^Error: count 0 is not a whole number >= 1$/);
    bad({ count: 2 ** 53 }, /count 9007199254740992 is not a whole number/);
    bad({ share: 0 }, /^Error: share 0 is not a number > 0 and <= 1: 1 is all of it$/);
    bad({ share: 'x\u001b[31m' }, /^Error: share "x\S*" is not a number/);
    bad({ most: -Infinity }, /most -Infinity is not a whole number >= 0$/);
    bad({ way: 'left' }, /way "left" is not one of up, down$/);
    bad({ loud: 1 }, /loud 1 is not true or false$/);
    bad({ names: ['a', ''] }, /names\[1\] "" is not a text of one character or more$/);
    bad({ onDone: 'x' }, /onDone "x" is not a function$/);
    bad({ size: undefined }, /^Error: this needs size: how large$/);
    bad({ __proto__: null, toString: 1 }, /unknown option 'toString'/);
  });

  test('say in JSON Schema what JSON can hold', () => {
    const { properties, required } = f.jsonSchemaOf(fields);
    assert.deepEqual(required, ['size']);
    assert.deepEqual(Object.keys(properties), ['count', 'share', 'most', 'way', 'loud', 'names', 'size']);
    assert.deepEqual(properties.count, { type: 'integer', minimum: 1, description: 'how many', default: 3 });
    assert.deepEqual(properties.share, {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 1,
      description: 'how much',
    });
    assert.deepEqual(properties.most, { type: 'integer', minimum: 0, description: 'at most' });
    assert.deepEqual(properties.way, { enum: ['up', 'down'], description: 'which way', default: 'up' });
  });
});
