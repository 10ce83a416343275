// The layout of a command's help: terms on the left, descriptions on the right, words never broken, at any
// width.
import { type Command, CommanderError, type Help, type HelpConfiguration, Option } from 'commander';
import { ownCommand } from '../base/node-command.ts';
import type { Flags } from './flags.ts';
import { columnsOf, textWidth, wrapText } from './view/width.ts';

/** Most columns for a term. A longer one gets its own line. */
const TERMS = 28;
const INDENT = '  ';

/** The layout that commander uses for the help of every command. */
export const helpStyle: HelpConfiguration = {
  optionTerm,
  subcommandTerm,
  padWidth: (command, helper) => Math.min(termWidth(helper), widestTerm(command, helper)),
  formatItem(term, width, description, helper) {
    if (description === '') return INDENT + term;
    const column = INDENT.length + width + 2;
    const lines = wrapText(description, widthOf(helper) - column);
    const below = lines.map((line) => ' '.repeat(column) + line);
    if (textWidth(term) > width) return [INDENT + term, ...below].join('\n');
    return [(INDENT + term).padEnd(column) + lines[0], ...below.slice(1)].join('\n');
  },
  boxWrap: (text, width) => wrapText(text, width).join('\n'),
};

/** Columns of the help: the terminal's width. */
export function helpWidth(): number {
  return columnsOf(process.stdout);
}

function widthOf({ helpWidth: width = 80 }: Help): number {
  return width;
}

function termWidth(helper: Help): number {
  return Math.min(TERMS, Math.floor(widthOf(helper) * 0.36));
}

/** The width of the widest term that has its description beside it. */
function widestTerm(command: Command, helper: Help): number {
  const terms = [
    ...helper.visibleOptions(command).map((option) => helper.optionTerm(option)),
    ...helper.visibleCommands(command).map((member) => helper.subcommandTerm(member)),
    ...helper.visibleArguments(command).map((argument) => helper.argumentTerm(argument)),
  ].map(textWidth);
  return Math.max(0, ...terms.filter((width) => width <= termWidth(helper)));
}

/** Options that also have the form `--no-...`. */
export const twoWay: WeakSet<Option> = new WeakSet<Option>();

/** `--[no-]bias` for an option that can be switched off. */
function optionTerm(option: Option): string {
  return twoWay.has(option) ? option.flags.replace('--', '--[no-]') : option.flags;
}

/** `compare <before> <after>`. */
function subcommandTerm(command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? '...' : '');
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(' ');
}

/** How the program was started here, if a line of the help has room for it. */
function nameHere(): string {
  const own = ownCommand();
  return own.startsWith('node ') ? 'inkhorn' : own;
}

/** After the flags: examples that work here, each with a description. */
export function examplesText(examples: readonly (readonly [line: string, does: string])[]): string {
  const name = nameHere();
  const columns = helpWidth();
  const lines = examples.flatMap(([line, does]) => [
    ...wrapCommand(`${name} ${line.replaceAll('| inkhorn', `| ${name}`)}`, columns - 4).map(
      (part, i) => (i === 0 ? '  $ ' : '      ') + part,
    ),
    ...wrapText(does, columns - 6).map((part) => `      ${part}`),
  ]);
  return ['\nExamples:', ...lines].join('\n');
}

/**
 * A command line in lines of at most `columns`, broken only between words, with backslashes for a shell.
 */
export function wrapCommand(line: string, columns: number): string[] {
  // A flag and its value stay on one line.
  const words = line.match(/-[\w-]+ (?!-)(?:'[^']*'|"[^"]*"|[^\s'"])+|(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    const joined = `${last} ${word}`;
    // Room for the backslash, and for the deeper indent of later lines.
    if (last !== undefined && textWidth(joined) <= columns - 4) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.map((part, i) => (i < lines.length - 1 ? `${part} \\` : part));
}

/**
 * `--help` shows the flags that most people need, `--help-all` all flags. It works everywhere, and is listed
 * where that makes a difference.
 */
export function addFullHelp(command: Command, name: string, flags: Flags): void {
  const total = Object.keys(flags).length;
  const differs = Object.values(flags).some(({ rare }) => rare);
  const option = new Option('--help-all', `help with all ${total} flags`);
  command.addOption(differs ? option : option.hideHelp());
  command.on('option:help-all', () => {
    for (const rare of command.options) if (rareOptions.has(rare)) rare.hidden = false;
    command.outputHelp();
    throw new CommanderError(0, 'commander.helpDisplayed', '(help)');
  });
  if (!differs) return;
  command.addHelpText('after', () => {
    const hidden = command.options.some((one) => rareOptions.has(one) && one.hidden);
    return hidden ? `\nAll ${total} flags: ${nameHere()} ${name} --help-all` : '';
  });
}

/** Options shown only by `--help-all`. */
export const rareOptions: WeakSet<Option> = new WeakSet<Option>();
