// A command as data: its name, its flags, its action. `program.ts` turns these into commander commands,
// help and exit codes.

import { statSync } from 'node:fs';
import { Command, Option } from 'commander';
import { flagName, shellWord } from '../base/shell.ts';
import { missingGlyphsNote } from '../png/missing-glyphs.ts';
import { misuse } from './errors.ts';
import { type Flag, type Flags, toggle, type Values } from './flags.ts';
import { addFullHelp, examplesText, rareOptions, twoWay } from './help.ts';
import { interruptSignal } from './interrupt.ts';
import { unknownCommand } from './mistakes.ts';
import { inFlags } from './option-names.ts';
import { createOutput, type Output } from './output.ts';

/** What a command gets besides its arguments. */
export interface Context<F extends Flags> {
  args: string[];
  flags: Values<F>;
  output: Output;
  /**
   * Asks the command to stop: see interrupt.ts. Only a command that reads this is asked, and only from then
   * on: before there is something to save, the process should end at once.
   */
  readonly signal: AbortSignal;
}

/** What a list of commands shows of one. The list is in commands/index.ts. */
export interface CommandHead {
  /** `train`, or `tokenizer train` for one within a group. */
  name: string;
  about: string;
  /** Positional arguments, `<file>` or `[text...]`, each with a description. */
  args?: readonly (readonly [name: string, about: string])[];
}

/** The rest of a command. */
export interface CommandSpec<F extends Flags = Flags> {
  /** Examples that work, each with a description. */
  examples: readonly (readonly [line: string, does: string])[];
  flags: F;
  /**
   * What a surplus argument was probably meant for: `--prompt` or another command. `place` is what exists at
   * that path. Undefined: no idea.
   */
  meant?: (argument: string, place: Place) => string | undefined;
  run(context: Context<F>): Promise<void>;
}

/** Gives `run` the types of its command's flags. */
export function defineCommand<const F extends Flags>(spec: CommandSpec<F>): CommandSpec {
  return spec as unknown as CommandSpec;
}

const json = toggle({
  about: 'print JSON for machines: one document, or one event per line while something runs',
});

/** The commander command with what lists show of it. It can be named, not run. */
export function toCommander({ name, about, args = [] }: CommandHead): Command {
  const command = new Command(name.split(' ').at(-1)).description(about);
  for (const argument of args) command.argument(...argument);
  return command;
}

/** Gives `command` the flags, the examples and the action of its spec. */
export function complete(command: Command, head: CommandHead, spec: CommandSpec): void {
  const flags: Flags = { ...spec.flags, json };
  for (const [name, flag] of Object.entries(flags)) addFlag(command, name, flag);
  addFullHelp(command, head.name, flags);
  command.addHelpText('after', () => examplesText(spec.examples));
  command.allowExcessArguments(); // refused below, with a message that names them
  command.action(async () => {
    refuseSurplus(command, head, spec);
    const values = command.opts();
    const { args } = command;
    const output = createOutput(values.json === true);
    const context = {
      args,
      flags: values,
      output,
      get signal() {
        return interruptSignal();
      },
    };
    await spec.run(context).catch((error) => {
      throw inFlags(error, flags);
    });
    const note = missingGlyphsNote();
    if (note) output.note(note);
  });
}

function refuseSurplus(
  command: Command,
  { name, args = [] }: CommandHead,
  { meant }: Pick<CommandSpec, 'meant'>,
): void {
  if (args.some(([argument]) => argument.includes('...')) || command.args.length <= args.length) return;
  const surplus = command.args.slice(args.length);
  const [word] = surplus;
  const members = command.commands.map((member) => member.name());
  const problem =
    members.length > 0
      ? `unknown command ${JSON.stringify(word)} of ${name}: there are ${members.join(', ')}`
      : `${JSON.stringify(word)} is one argument too many: \`inkhorn ${name}\` takes ${args.length || 'none'}`;
  if (args.length === 1 && args[0][0] === '[text]')
    throw misuse(
      `${problem}; did you mean one text, in quotes: \`inkhorn ${name} ${shellWord(command.args.join(' '))}\`?`,
    );
  const place = placeOf(word);
  if (place === 'nothing' && looksLikePath(word)) {
    const [folder, words] = [meant?.(word, 'folder'), meant?.(word, 'nothing')];
    const remedies =
      folder === words ? [folder] : [folder && `${folder} for a folder`, words && `${words} for words`];
    const fits = remedies.filter((remedy) => remedy !== undefined).join(', ');
    throw misuse(
      `${problem}, and there is nothing at that path${fits ? `; did you mean ${fits}?` : ' (see --help)'}`,
    );
  }
  const remedy = meant?.(word, place);
  if (remedy) throw misuse(`${problem}; did you mean ${remedy} ${remedyValue(remedy, surplus, place)}?`);
  throw misuse(members.length > 0 ? unknownCommand(word, command) : `${problem} (see --help)`);
}

/** The text after the flag or the command that was meant. */
function remedyValue(remedy: string, surplus: readonly string[], place: Place): string {
  if (!remedy.startsWith('-')) return surplus.map(shellWord).join(' ');
  // Words that are not paths belong together: a text without quotes.
  return shellWord(place === 'nothing' ? surplus.join(' ') : surplus[0]);
}

/** What exists at a path. */
export type Place = 'file' | 'folder' | 'nothing';

function looksLikePath(word: string): boolean {
  return !/\s/.test(word) && (/[\\/]/.test(word) || /^[.~]|\.\w+$/.test(word));
}

/** What a word names. One that no file can have as its name (too long, a NUL in it) names nothing. */
function placeOf(word: string): Place {
  try {
    return statSync(word).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'nothing';
  }
}

function addFlag(command: Command, name: string, flag: Flag<unknown>): void {
  const long = flagName(name);
  const about = flag.initial === undefined ? flag.about : `${flag.about} (default: ${flag.initial})`;
  const head = flag.short ? `-${flag.short}, ${long}` : long;
  const option = new Option(flag.argument ? `${head} ${flag.argument}` : head, about);
  if (flag.argument) {
    option.argParser((value: string, before: unknown) => {
      const parsed = flag.parse(value, long);
      if (flag.many) return [...((before as unknown[]) ?? []), ...(parsed as unknown[])];
      if (before !== undefined) throw misuse(`${long} is given twice`);
      return parsed;
    });
  }
  if (flag.rare) {
    option.hideHelp();
    rareOptions.add(option);
  }
  if (flag.group) option.helpGroup(`${flag.group}:`);
  command.addOption(option);
  if (flag.negatable) {
    twoWay.add(option);
    command.addOption(new Option(`--no-${long.slice(2)}`).hideHelp());
  }
}
