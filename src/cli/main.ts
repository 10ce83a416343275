#!/usr/bin/env node
// The command line: finds the command, runs it, turns what it throws into one line and an exit code
// (0 done, 1 failed, 2 misused).
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { type CommandSpec, toCommander } from './command.ts';
import { commands } from './commands/index.ts';
import { MisuseError } from './errors.ts';

/** The whole program; exported for tests and for the docs. */
export function createProgram(specs: readonly CommandSpec[] = commands): Command {
  const program = new Command('inkhorn')
    .description('A GPT from scratch: tokenizer, training, a look inside, generation, INT8.')
    .version(version(), '-v, --version')
    .showSuggestionAfterError();
  for (const spec of specs) {
    const [group] = spec.name.split(' ');
    parentOf(program, group, spec).addCommand(toCommander(spec));
  }
  quiet(program);
  return program;
}

/** `tokenizer train` belongs to a group `tokenizer`, made when its first command comes. */
function parentOf(program: Command, group: string, spec: CommandSpec): Command {
  if (spec.name === group) return program;
  const known = program.commands.find((c) => c.name() === group);
  if (known) return known;
  const made = new Command(group).description(`${group}: see its commands`);
  program.addCommand(made);
  return made;
}

/** Errors are thrown, not printed, everywhere in the tree. */
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => {} });
  for (const child of command.commands) quiet(child);
}

/** Runs one command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    return fail(error as Error);
  }
}

function fail(error: Error): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
  const misused = error instanceof MisuseError || error instanceof CommanderError;
  const message = error.message.replace(/^error: /, '');
  if (message === '(outputHelp)') {
    process.stdout.write(createProgram().helpInformation());
    return 2;
  }
  process.stderr.write(`inkhorn: ${message.replaceAll('\n', ' ')}\n`);
  if (process.env.INKHORN_DEBUG) process.stderr.write(`${error.stack}\n`);
  return misused ? 2 : 1;
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

process.exitCode = await main(process.argv.slice(2));
