// Advice for a command line that cannot be read: the nearest flag, the command that has it, what is missing.
import type { Command, CommanderError, Option } from 'commander';
import { similar, typosBetween } from '../base/nearest.ts';
import { dashed, shellWord } from '../base/shell.ts';
import { misuse } from './errors.ts';

/** The innermost command named by `argv`. */
export function commandOf(program: Command, argv: readonly string[]): Command {
  const [name, ...rest] = argv;
  const named = program.commands.find((command) => command.name() === name);
  return named ? commandOf(named, rest) : program;
}

/**
 * `tokenizer train --help` for `help tokenizer train`, `tokenizer help train` and `tokenizer train help`; any
 * other command line as it is. Throws for a topic that is no command.
 */
export function helpAsFlag(program: Command, argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('help');
  const path = argv.slice(0, Math.max(at, 0));
  const group = path.reduce<Command | undefined>(
    (command, word) => command && member(command, word),
    program,
  );
  if (at < 0 || !group || !takesHelp(group, argv.slice(at + 1))) return argv;
  const topic = argv.slice(at + 1).filter((word) => word !== 'help' && !word.startsWith('-'));
  let command = group;
  for (const word of topic) {
    const found = member(command, word);
    if (!found) throw misuse(unknownCommand(word, command));
    command = found;
  }
  return [...path, ...topic, '--help'];
}

/** Whether the word `help`, with `rest` after it, cannot be an argument of the command. */
function takesHelp({ commands, registeredArguments }: Command, rest: readonly string[]): boolean {
  return commands.length > 0 || (registeredArguments.length === 0 && rest.length === 0);
}

function member(group: Command, name: string): Command | undefined {
  return group.commands.find((command) => command.name() === name);
}

/** `unknown command 'trian': did you mean ...`, for a word in the place of a command of `group`. */
export function unknownCommand(word: string, group: Command): string {
  const problem = `unknown command '${word}'${group.parent ? ` of ${group.name()}` : ''}`;
  const siblings = namedLike(word, group.commands);
  const found = siblings.length > 0 ? siblings : namedLike(word, leaves(rootOf(group)));
  const paths = found.map((command) => `\`${pathOf(command)}\``);
  if (paths.length > 0) return `${problem}: did you mean ${paths.join(' or ')}?`;
  if (group.commands.length === 0) return `${problem}, which has no commands of its own`;
  const names = group.commands.map((command) => command.name()).join(', ');
  return `${problem}: ${group.parent ? `there are ${names}` : '`inkhorn --help` lists them'}`;
}

/** The commands whose name `word` probably is: groups may have members of one name. */
function namedLike(word: string, commands: readonly Command[]): Command[] {
  const near = similar(word, [...new Set(commands.map((command) => command.name()))]);
  return commands.filter((command) => command.name() === near);
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}

/** Throws for a long flag with one dash: `-model x` would be read as `-m odel`, with `x` as an argument. */
export function refuseOneDash(program: Command, argv: readonly string[]): void {
  const { options } = commandOf(program, argv);
  const flags = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined);
  for (let i = 0; i < flags.length; i++) {
    const option = options.find(({ short, long }) => flags[i] === short || flags[i] === long);
    if (option?.required)
      i++; // skips its value
    else if (!option && options.some(({ long }) => long === `-${flags[i].split('=')[0]}`))
      throw misuse(`unknown option '${flags[i]}' (Did you mean -${flags[i]}?)`);
  }
}

/** One line for commander's error, with what would be right. */
export function explainMistake(error: CommanderError, program: Command, argv: readonly string[]): string {
  const command = commandOf(program, argv);
  const line = error.message.replace(/^error: /, '');
  const [, quoted = ''] = /'(.*?)'(?:\n\(Did you mean .*)?$/s.exec(line) ?? [];
  if (error.code === 'commander.unknownOption') return unknownOption(quoted, command, program, argv);
  if (error.code === 'commander.unknownCommand') return unknownCommand(quoted, command);
  if (error.code === 'commander.missingArgument') return missingArgument(quoted, command);
  return line;
}

/** The most suggestions. */
const SUGGESTED = 3;

function unknownOption(flag: string, command: Command, program: Command, argv: readonly string[]): string {
  const problem = `unknown option '${flag}'`;
  const argument = command.registeredArguments.find((one) => one.name() === bare(flag));
  if (argument)
    return `${problem}: it is an argument, ${argument.description}: \`${pathOf(command)} <${argument.name()}>\``;
  const near = nearest(flag, command.options);
  if (near.length > 0)
    return `${problem} (Did you mean ${near.length > 1 ? 'one of ' : ''}${near.join(', ')}?)`;
  const owners = leaves(command).filter(({ options }) => options.some((option) => isNamed(option, flag)));
  const [owner] = owners.sort((a, b) => rank(a) - rank(b));
  if (owner) {
    const rest = argv.slice(argv.indexOf(flag)).map(shellWord).join(' ');
    return `${problem}: it belongs to a command, as in \`${pathOf(owner)} ${rest}\``;
  }
  const others = flag.startsWith('--') ? leaves(program) : [];
  const other = others.find(({ options }) => options.some((option) => isNamed(option, flag)));
  if (other) return `${problem}: \`${pathOf(other)}\` has it, this command has not`;
  for (const one of [leaves(command), others].flatMap((some) => some.sort((a, b) => rank(a) - rank(b)))) {
    const [meant] = nearest(flag, one.options);
    if (meant) return `${problem}: \`${pathOf(one)}\` has ${meant}, this command has not`;
  }
  return `${problem}: see \`${pathOf(command)} --help\``;
}

/** `n-layer` of `--n-layer`, `-n-layer`, `--n_layer` and `--nLayer=3`. */
function bare(flag: string): string {
  return dashed(flag.split('=')[0].replace(/^-+/, '')).replaceAll('_', '-');
}

function isNamed({ short, long }: Option, flag: string): boolean {
  return flag === short || `--${bare(flag)}` === long;
}

/**
 * The flags that begin with `flag`; else those that contain it; else those with a small edit distance; else
 * those that it may shorten: `--stps` is `--steps`; else those whose description contains its words:
 * `--learning-rate` is `--lr`.
 */
function nearest(flag: string, options: readonly Option[]): string[] {
  const word = bare(flag);
  const names = options.flatMap(({ long }) => (long ? [long.slice(2)] : []));
  const about = new Map(options.map(({ long = '', description }) => [long?.slice(2), description]));
  const mistyped = (name: string): boolean => typosBetween(name, word) < Infinity;
  // Those that may be mistyped first, then the short ones.
  const order = (name: string): number => Math.min(typosBetween(name, word), 3 + name.length);
  const ways = [
    (name: string) => name === word,
    (name: string) => word.length > 1 && name.startsWith(word),
    (name: string) => word.length > 1 && name.split('-').some((part) => part === word || `${part}s` === word),
    mistyped,
    (name: string) => shortens(word, name),
    (name: string) => word.length > 3 && about.get(name)?.includes(word.replaceAll('-', ' ')),
  ];
  for (const fits of ways) {
    const found = names.filter(fits).sort((a, b) => order(a) - order(b));
    if (found.length > 0) return found.slice(0, SUGGESTED).map((name) => `--${name}`);
  }
  return [];
}

/** Whether `word` is `name` without some of its letters, but with the first. */
function shortens(word: string, name: string): boolean {
  const letters = [...word].map((letter) => letter.replace(/\W/, ''));
  return word.length > 1 && new RegExp(`^${letters.join('.*')}`).test(name);
}

function missingArgument(name: string, command: Command): string {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const about = command.registeredArguments.find((argument) => argument.name() === name)?.description;
  return `missing required argument <${name}>${about ? ` (${about})` : ''}: \`${pathOf(command)} ${args.join(' ')}\``;
}

/** `inkhorn tokenizer show`. */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** The commands in a group, including those in groups within it. */
function leaves(command: Command): Command[] {
  return command.commands.flatMap((member) => [member, ...leaves(member)]);
}

/** The flags that people need most often. */
const FIRST = ['generate', 'train'];

function rank(command: Command): number {
  const place = FIRST.indexOf(command.name());
  return place < 0 || command.parent?.parent ? FIRST.length : place;
}
