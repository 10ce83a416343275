// The small parts of the command line: tables, flags, messages.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CommanderError } from 'commander';
import { flagName } from '../../src/base/shell.ts';
import { commands } from '../../src/cli/commands/index.ts';
import { misuse } from '../../src/cli/errors.ts';
import { choice, integer, number } from '../../src/cli/flags.ts';
import { wrapCommand } from '../../src/cli/help.ts';
import { checkLearning, checkMemory } from '../../src/cli/memory.ts';
import { helpAsFlag, unknownCommand } from '../../src/cli/mistakes.ts';
import { claimOutFile, claimOutFolder } from '../../src/cli/out-folder.ts';
import { createProgram, explain } from '../../src/cli/program.ts';
import { recordedData } from '../../src/cli/run-text.ts';
import { formatTable } from '../../src/cli/table.ts';
import { textWidth } from '../../src/cli/view/width.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { listed, wholeCommands } from '../support/commands.ts';

describe('formatTable', () => {
  test('puts words to the left and numbers to the right', () => {
    const lines = formatTable(
      ['name', 'bytes', 'share'],
      [
        ['a', '1,234', '5.0 %'],
        ['longer', '7', '12.5 %'],
      ],
    );
    assert.deepEqual(lines, ['name    bytes   share', 'a       1,234   5.0 %', 'longer      7  12.5 %']);
  });

  test('counts columns of the terminal, not characters', () => {
    assert.deepEqual(
      formatTable(
        ['a', 'b'],
        [
          ['日本', 'x'],
          ['é', 'y'],
        ],
      ),
      ['a     b', '日本  x', 'é     y'],
    );
  });

  test('follows an alignment that is given', () => {
    assert.deepEqual(formatTable([{ title: 'token', align: 'left' }, 'n'], [['7', '10']]), [
      'token   n',
      '7      10',
    ]);
  });
});

describe('flags', () => {
  test('are kebab-case on the command line', () => {
    assert.equal(flagName('nLayer'), '--n-layer');
    assert.equal(flagName('json'), '--json');
  });

  test('refuse with name, value and range', () => {
    const look = { about: '' };
    assert.throws(() => integer(look, 1, 8).parse('9', '--n'), {
      message: '--n 9 is not a whole number from 1 to 8',
    });
    assert.throws(() => integer(look, 1).parse('1.5', '--n'), {
      message: '--n 1.5 is not a whole number >= 1',
    });
    assert.throws(() => number(look).parse('x', '--n'), { message: '--n x is not a number' });
    assert.throws(() => choice(look, ['a', 'b']).parse('c', '--n'), { message: '--n c is not one of a, b' });
  });
});

describe('the program', () => {
  test('every command has examples that it understands, and its flags say what they are', async () => {
    for (const spec of wholeCommands) {
      assert.ok(spec.examples.length > 0, spec.name);
      for (const [line] of spec.examples) {
        const ran: string[] = [];
        const program = await createProgram(
          listed(async (name) => {
            ran.push(name);
          }),
        );
        await program.parseAsync(words(line.split(' | ')[0]), { from: 'user' });
        assert.equal(ran.length, 1, line);
      }
      for (const [name, { about }] of Object.entries(spec.flags))
        assert.ok(about.length > 5, `${spec.name} ${name}`);
    }
  });

  test('its help breaks no word and fits the window, that of every command', async () => {
    const before = process.env.COLUMNS;
    const helpOf = async (path: readonly string[], columns: number): Promise<string> => {
      process.env.COLUMNS = String(columns);
      let text = '';
      let command = await createProgram();
      for (const name of path) command = command.commands.find((one) => one.name() === name) ?? command;
      command.configureOutput({ writeOut: (part) => (text += part) });
      command.outputHelp();
      return text;
    };
    const wordsOf = (text: string): string =>
      text
        .split(/\s+/)
        .filter((word) => word !== '\\')
        .join(' ');
    try {
      for (const path of [[], ['tokenizer'], ...commands.map(({ name }) => name.split(' '))]) {
        for (const columns of [80, 60]) {
          const text = await helpOf(path, columns);
          for (const line of text.split('\n'))
            assert.ok(textWidth(line) <= columns, `${path.join(' ')} in ${columns}: ${line}`);
          assert.equal(wordsOf(text), wordsOf(await helpOf(path, 1000)), path.join(' '));
        }
      }
    } finally {
      if (before === undefined) delete process.env.COLUMNS;
      else process.env.COLUMNS = before;
    }
  });

  test('--help-all shows every flag, --help those that come first', async () => {
    for (const [flag, every] of [
      ['--help', false],
      ['--help-all', true],
    ] as const) {
      let text = '';
      const program = await createProgram();
      const train = program.commands.find((one) => one.name() === 'train');
      train?.configureOutput({ writeOut: (part) => (text += part) });
      await assert.rejects(program.parseAsync(['train', flag], { from: 'user' }), CommanderError);
      assert.match(text, /--n-layer <n>/);
      assert.equal(text.includes('--muon-momentum'), every);
      assert.equal(/All \d+ flags: .*inkhorn train --help-all/.test(text), !every);
    }
  });

  test('commands of examples go on in the next line as a shell reads them', () => {
    const line = `train --data 'my notes.txt' --n-layer 4 -p "a b" --out runs/x`;
    const lines = wrapCommand(line, 34);
    assert.deepEqual(lines, [`train --data 'my notes.txt' \\`, '--n-layer 4 -p "a b" \\', '--out runs/x']);
    assert.equal(lines.join('\n').replaceAll(/ \\\n/g, ' '), line);
    assert.deepEqual(wrapCommand("generate --stop $'\\n' --samples 5", 80), [
      "generate --stop $'\\n' --samples 5",
    ]);
  });

  test('every misspelt command, member of a group and topic of help gets the nearest one', async () => {
    const program = await createProgram(commands, () => false);
    const inspect = program.commands.find((one) => one.name() === 'inspect') ?? program;
    for (const [word, group, meant] of [
      ['trian', program, 'inkhorn train'],
      ['genrate', program, 'inkhorn generate'],
      ['decode', program, 'inkhorn tokenizer decode'],
      ['lnes', inspect, 'inkhorn inspect lens'],
      ['atention', inspect, 'inkhorn inspect attention'],
      ['quantise', inspect, 'inkhorn quantize'],
    ] as const)
      assert.ok(unknownCommand(word, group).endsWith(`: did you mean \`${meant}\`?`), word);
    assert.match(unknownCommand('fly', program), /`inkhorn --help` lists them/);
    assert.match(unknownCommand('fly', inspect), /of inspect: there are taps, health, /);
    assert.deepEqual(helpAsFlag(program, ['help', 'inspect', 'lens']), ['inspect', 'lens', '--help']);
    assert.deepEqual(helpAsFlag(program, ['inspect', 'help', 'lens']), ['inspect', 'lens', '--help']);
    assert.deepEqual(helpAsFlag(program, ['help']), ['--help']);
    assert.deepEqual(helpAsFlag(program, ['help', 'help']), ['--help']);
    assert.deepEqual(helpAsFlag(program, ['help', 'train', 'help']), ['train', '--help']);
    assert.deepEqual(helpAsFlag(program, ['train', 'help']), ['train', '--help']);
    const text = ['tokenizer', 'encode', 'help'];
    assert.equal(helpAsFlag(program, text), text);
    for (const topic of [
      ['help', 'trian'],
      ['help', 'inspect', 'lnes'],
      ['inspect', 'help', 'lnes'],
    ])
      assert.throws(() => helpAsFlag(program, topic), /did you mean `inkhorn (train|inspect lens)`\?/);
  });

  test('explains errors in one line: misuse is 2, failure 1', () => {
    assert.deepEqual(explain(misuse('a\n  b')), { code: 2, line: 'a b' });
    assert.deepEqual(explain(new Error('disk full')), { code: 1, line: 'disk full' });
  });
});

/** Splits a line like a shell, as far as the examples need it. */
function words(line: string): string[] {
  return [...line.matchAll(/\$?'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);
}

describe('outputs and records', () => {
  test('nothing that exists is taken without force', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inkhorn-out-'));
    const file = join(folder, 'file');
    await writeFile(file, 'x');
    await assert.rejects(claimOutFolder(folder), /not empty/);
    await assert.rejects(claimOutFolder(file), /a file is where a folder/);
    await assert.rejects(claimOutFile(file), /exists/);
    await assert.rejects(claimOutFile(folder, true), /is a folder/);
    await claimOutFolder(folder, true);
    await claimOutFolder(join(folder, 'new'));
    await claimOutFile(file, true);
    await claimOutFile(join(folder, 'new'));
    await rm(folder, { recursive: true });
  });

  test('the text of a model is found beside it, in its run, or in what it was made from', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inkhorn-record-'));
    const store = folderStore(folder);
    const data = {
      spec: 'a.txt',
      name: 'a.txt',
      bytes: 1,
      sha256: 'aa',
      trainFraction: 0.9,
      validate: 'validation',
    };
    // Runs of the first version named one text and took its bytes unchanged.
    const { spec, ...rest } = data;
    const read = { ...rest, inputs: [spec], asBytes: true, separator: null };
    const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    assert.equal(await recordedData(store), null);
    await store.folder('last').write('training.json', json({ data }));
    assert.deepEqual(await recordedData(store), read);
    assert.deepEqual(await recordedData(store.folder('best')), read);
    await store.folder('best').write('compare.json', json({ data: { ...data, spec: 'b.txt' } }));
    assert.deepEqual((await recordedData(store.folder('best')))?.inputs, ['b.txt']);
    await store.folder('best').write('compare.json', json({ data: 7 }));
    await assert.rejects(recordedData(store.folder('best')), /compare\.json: data is 7: expected an object$/);
    await rm(folder, { recursive: true });
  });
});

test('a model larger than the memory is refused with its parameters and bytes', () => {
  const config = makeConfig(presets.seed, 500, { nLayer: 4000 });
  assert.throws(
    () => checkMemory(config, 16, 8e9),
    /a model of 2,[\d,]+ parameters takes [\d.]+ GB \(16 bytes each\), this machine has [\d.]+ GB: lower --n-layer/,
  );
  checkMemory(config, 1, 8e9);
});

test('a text that takes more memory than there is to learn from is refused, unless its words are apart', () => {
  assert.throws(
    () => checkLearning(1e9, 'none', 24e9),
    /learning tokens from 1\.00 GB in one piece takes 30\.00 GB, this machine has 24\.00 GB: give --pattern gpt2/,
  );
  checkLearning(1e9, 'gpt2', 24e9);
  checkLearning(8e8, 'none', 24e9);
});
