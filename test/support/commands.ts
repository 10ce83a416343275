// The commands of the command line, loaded.
import type { CommandHead, CommandSpec } from '../../src/cli/command.ts';
import { commands, type ListedCommand } from '../../src/cli/commands/index.ts';

export type WholeCommand = CommandHead & CommandSpec;

export const wholeCommands: readonly WholeCommand[] = await Promise.all(
  commands.map(async (listed) => ({ ...listed, ...(await listed.load()) })),
);

/** The list for a program in which each command calls `run` with its name and what it was given. */
export function listed(
  run: (name: string, ...given: Parameters<CommandSpec['run']>) => Promise<void>,
): ListedCommand[] {
  return wholeCommands.map((command) => ({
    ...command,
    load: async () => ({ ...command, run: (context) => run(command.name, context) }),
  }));
}
