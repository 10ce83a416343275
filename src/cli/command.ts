// A command as data: what it is called, what it takes, what it does. `main.ts` turns these into commander commands, the
// help and the exit codes.
import { Command, Option } from 'commander';
import { misuse } from './errors.ts';
import { type Flag, type Flags, flagName, toggle, type Values } from './flags.ts';
import { createOutput, type Output } from './output.ts';

/** What a command is given to work with. */
export interface Context<F extends Flags> {
  args: string[];
  flags: Values<F>;
  output: Output;
  /** Aborted by the first Ctrl-C; a second one ends the process. */
  signal: AbortSignal;
}

export interface CommandSpec<F extends Flags = Flags> {
  /** `train`, or `tokenizer train` for one within a group. */
  name: string;
  about: string;
  /** Command lines that work, each with what it does. */
  examples: readonly (readonly [line: string, does: string])[];
  /** Positional arguments, `<file>` or `[text...]`, each with what it is. */
  args?: readonly (readonly [name: string, about: string])[];
  flags: F;
  run(context: Context<F>): Promise<void>;
}

/** Gives `run` the types of its flags. */
export function defineCommand<const F extends Flags>(spec: CommandSpec<F>): CommandSpec {
  return spec as unknown as CommandSpec;
}

const json = toggle({
  about: 'print JSON for machines: one document, or one event per line while something runs',
});

/** The commander command for a spec. */
export function toCommander(spec: CommandSpec): Command {
  const command = new Command(spec.name.split(' ').at(-1)).description(spec.about);
  for (const [name, about] of spec.args ?? []) command.argument(name, about);
  const flags: Flags = { ...spec.flags, json };
  for (const [name, flag] of Object.entries(flags)) addFlag(command, name, flag);
  const examples = spec.examples.map(([line, does]) => `  $ inkhorn ${line}\n      ${does}`);
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  return command.action(async () => {
    const values = command.opts();
    await spec.run({
      args: command.args,
      flags: values,
      output: createOutput(values.json === true),
      signal: interruptSignal(),
    });
  });
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
  command.addOption(option);
  if (flag.negatable) command.addOption(new Option(`--no-${long.slice(2)}`).hideHelp());
}

/** One signal per process: the first Ctrl-C (or SIGTERM) aborts it, the second ends the process as usual. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => controller.abort(new Error(name)));
  return controller.signal;
}
