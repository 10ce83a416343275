// The program: finds the command, runs it, and turns errors into one line and an exit code (0 done, 1 failed,
// 2 misused, 128 + n ended by signal n). Read next: command.ts, commands/.
import { Command, CommanderError } from 'commander';
import { runnable } from '../base/node-command.ts';
import { atRank, launchOf, letFirstSpeak } from '../distributed/launcher.ts';
import { RankError } from '../distributed/meeting.ts';
import { complete, toCommander } from './command.ts';
import { commands, type ListedCommand } from './commands/index.ts';
import { MisuseError, QuietError } from './errors.ts';
import { addFullHelp, helpStyle, helpWidth } from './help.ts';
import { endCode } from './interrupt.ts';
import { commandOf, explainMistake, helpAsFlag, refuseOneDash } from './mistakes.ts';
import { packageVersion } from './version.ts';
import { terminalText } from './view/ink.ts';
import { wrapText } from './view/width.ts';

/** Descriptions of the groups of commands. */
const GROUPS: Readonly<Record<string, string>> = {
  data: 'the texts that have a name: list, fetch, show',
  tokenizer: 'train a byte-level BPE tokenizer, encode, decode, show its tokens',
};

/** Shown after the list of commands. */
const PROMISES = [
  '`inkhorn <command> --help`: what a command takes, and examples.',
  '`inkhorn demo`: all of it, in two minutes.',
];

/**
 * The program for commander, with the commands of `list`. Those that `named` accepts, by default all, are
 * loaded; of the others it knows what a list of commands shows.
 */
export async function createProgram(
  list: readonly ListedCommand[] = commands,
  named: (command: ListedCommand) => boolean = () => true,
): Promise<Command> {
  const program = new Command('inkhorn')
    .description('A GPT from scratch: tokenizer, training, a look inside, generation, INT8.')
    .version(packageVersion(), '-v, --version')
    .addHelpText('after', () => ['', ...PROMISES.flatMap((line) => wrapText(line, helpWidth()))].join('\n'));
  addFullHelp(program, '', {});
  for (const listed of list) {
    const command = toCommander(listed);
    parentOf(program, listed.name).addCommand(command);
    if (named(listed)) complete(command, listed, await listed.load());
  }
  everyCommand(program, (command) => {
    command.exitOverride().enablePositionalOptions().showSuggestionAfterError().configureHelp(helpStyle);
    // Errors are thrown here and printed by `fail`.
    command.configureOutput({ writeErr: () => {}, getOutHelpWidth: helpWidth });
  });
  return program;
}

/** `tokenizer train` is in the group `tokenizer`, which is created with its first command. */
function parentOf(program: Command, name: string): Command {
  const [group, member] = name.split(' ');
  if (member === undefined) return program;
  const known = program.commands.find((command) => command.name() === group);
  if (known) return known;
  const made = new Command(group).description(GROUPS[group] ?? group);
  addFullHelp(made, group, {});
  program.addCommand(made);
  return made;
}

function everyCommand(command: Command, act: (command: Command) => void): void {
  act(command);
  for (const child of command.commands) everyCommand(child, act);
}

/** Runs one command line. Resolves to the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = await createProgram(commands, ({ name }) => isIn(argv, name));
  try {
    refuseOneDash(program, argv);
    await program.parseAsync([...helpAsFlag(program, argv)], { from: 'user' });
    return endCode();
  } catch (error) {
    return fail(error as Error, program, argv);
  }
}

/** Whether every word of a command's name is on the command line: `inkhorn help tokenizer train`. */
function isIn(argv: readonly string[], name: string): boolean {
  return name.split(' ').every((word) => argv.includes(word));
}

async function fail(error: Error, program: Command, argv: readonly string[]): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    if (error.code === 'commander.help') {
      commandOf(program, argv).outputHelp();
      return 0; // `inkhorn` or `inkhorn tokenizer` alone: a question, not a mistake
    }
    // The advice may be another command, so that all are needed now.
    error.message = explainMistake(error, await createProgram(), argv);
  }
  if (error instanceof QuietError) return error.code;
  const { code, line } = explain(error);
  // The processes of mpirun usually have the same command line: the first one speaks of its mistakes.
  const launch = code === 2 ? launchOf() : null;
  const other = launch !== null && launch.rank > 0;
  if (other && !(await letFirstSpeak(launch))) return code;
  const said = runnable(other ? atRank(line, launch.rank) : line);
  process.stderr.write(terminalText(`inkhorn: ${said}\n`));
  if (process.env.INKHORN_DEBUG) process.stderr.write(terminalText(`${error.stack}\n`));
  return code;
}

/** Prints an error in one line. Returns the exit code. */
export function explain(error: Error): { code: 1 | 2; line: string } {
  const misused =
    error instanceof MisuseError ||
    error instanceof CommanderError ||
    (error instanceof RankError && error.code === 2);
  const line = error.message.replace(/^error: /, '').replace(/\s*[\r\n]\s*/g, ' ');
  return { code: misused ? 2 : 1, line };
}
