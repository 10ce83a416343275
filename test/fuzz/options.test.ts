// Whatever is typed, a command either runs with checked values or says in one line what is wrong.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommanderError } from 'commander';
import fc from 'fast-check';
import { flagName } from '../../src/base/shell.ts';
import type { Context } from '../../src/cli/command.ts';
import { MisuseError } from '../../src/cli/errors.ts';
import type { Flag, Flags } from '../../src/cli/flags.ts';
import { createProgram, explain } from '../../src/cli/program.ts';
import { readRecipe, recipeFlags } from '../../src/cli/run-settings.ts';
import { listed, wholeCommands } from '../support/commands.ts';

type Call = Context<Flags>;

/** The result of a command line: the call that would be made, or the error. */
async function parse(argv: readonly string[]): Promise<{ call?: Call; error?: Error }> {
  let call: Call | undefined;
  const program = await createProgram(
    listed(async (_, context) => {
      call = context;
    }),
  );
  const write = process.stdout.write;
  process.stdout.write = () => true; // --help and --version print
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return { call };
  } catch (error) {
    return { error: error as Error };
  } finally {
    process.stdout.write = write;
  }
}

const allFlags = wholeCommands.flatMap(({ flags }) => Object.entries(flags));
const words = wholeCommands.flatMap(({ name }) => name.split(' '));
const numbers = fc.oneof(
  fc.integer().map(String),
  fc.double().map(String),
  fc.constantFrom('', ' ', '0', '-0', '1e3', '0x10', 'NaN', 'Infinity', '-Infinity', '1_000', '1,5', '007'),
);
const typed = fc.oneof(
  fc.constantFrom(...words),
  fc.constantFrom(...allFlags.map(([name]) => flagName(name))),
  fc.constantFrom('--', '-', '--json', '--no-bias', '--no-json', '-m', '-h', '-mx', '--model=', '--top-k=3'),
  fc.constantFrom('\0', 'a'.repeat(300), 'a/'.repeat(3000)), // no file can be called so
  numbers,
  fc.string(),
  fc.string({ unit: 'binary' }),
);

describe('command lines', () => {
  test('run, or end in one line and exit code 2', async () => {
    const line = fc.tuple(fc.constantFrom(...words), fc.array(typed, { maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(line, async ([command, rest]) => {
        const { error } = await parse([command, ...rest]);
        if (!error || (error instanceof CommanderError && error.exitCode === 0)) return;
        const { code, line: message } = explain(error);
        assert.equal(code, 2, `${error.stack}`);
        assert.match(message, /^[^\r\n]+$/);
      }),
      { numRuns: 300 },
    );
  });

  test('a flag is taken in either form, and only once', async () => {
    const tokens = fc.integer({ min: 1, max: 2 ** 31 });
    await fc.assert(
      fc.asyncProperty(tokens, fc.boolean(), fc.boolean(), async (n, joined, twice) => {
        const form = joined ? [`--tokens=${n}`] : ['--tokens', `${n}`];
        const { call, error } = await parse(['generate', ...form, ...(twice ? form : [])]);
        if (twice) assert.match(error?.message ?? '', /--tokens is given twice/);
        else assert.equal(call?.flags.tokens, n);
      }),
      { numRuns: 50 },
    );
  });

  test('flags that may be given several times are lists, in order', async () => {
    // A value that looks like a flag must be joined with `=`.
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 }),
        async (stops) => {
          const { call, error } = await parse(['generate', ...stops.map((stop) => `--stop=${stop}`)]);
          assert.deepEqual(call?.flags.stop, stops, error?.message);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('values of flags', () => {
  const taking = allFlags.filter(([, flag]) => flag.argument !== undefined);
  const flag = fc.constantFrom(...taking);

  test('are accepted, or refused by name and value', () => {
    fc.assert(
      fc.property(flag, fc.oneof(numbers, fc.string()), ([name, { parse: read }], value) => {
        try {
          read(value, flagName(name));
        } catch (error) {
          assert.ok(error instanceof MisuseError, `${error}`);
          const shown = value === '' || value.trim() !== value ? `'${value}'` : value;
          assert.ok(error.message.startsWith(`${flagName(name)} ${shown} is `), error.message);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a number is the number that was typed', () => {
    fc.assert(
      fc.property(flag, numbers, ([, flagOf], value) => {
        const parsed = accepted(flagOf, value);
        if (typeof parsed === 'number') assert.equal(parsed, Number(value));
      }),
      { numRuns: 1000 },
    );
  });
});

function accepted(flag: Flag<unknown>, value: string): unknown {
  try {
    return flag.parse(value, '--flag');
  } catch {
    return undefined;
  }
}

describe('recipes', () => {
  /** Values of the right type for each field, some of them impossible. */
  const anything = fc.record(
    Object.fromEntries(
      Object.entries<Flag<unknown>>(recipeFlags)
        .filter(([name]) => name !== 'config')
        .map(([name, flag]) => [name, valuesOf(flag)]),
    ),
    { requiredKeys: [] },
  );

  test('come out complete and finite, or are refused in one line', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (flags) => {
        try {
          const { settings } = await readRecipe(flags);
          for (const [name, value] of Object.entries(settings)) {
            assert.ok(value !== undefined && !Number.isNaN(value), `${name} is ${value}`);
            if (flags[name] !== undefined) assert.equal(value, flags[name]);
          }
        } catch (error) {
          assert.ok(error instanceof MisuseError, `${error}`);
          assert.doesNotMatch(error.message, /undefined|\[object|Cannot read|not a function|\n/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function valuesOf(flag: Flag<unknown>): fc.Arbitrary<unknown> {
  if (flag.argument === undefined) return fc.boolean();
  const choices = flag.argument.slice(1, -1).split('|');
  if (choices.length > 1) return fc.constantFrom(...choices);
  if (flag.argument === '<text>') return fc.string();
  return fc.oneof(fc.integer({ min: 0, max: 300 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
}
