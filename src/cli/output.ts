// Where a command's words go: people read lines on stdout, machines read JSON on stdout; remarks go to stderr.
import pc from 'picocolors';

export interface Output {
  /** True with `--json`: `print` is silent then. */
  readonly json: boolean;
  /** Whether stdout is a terminal that a person looks at. */
  readonly tty: boolean;
  /** A line for people. */
  print(line?: string): void;
  /** Text for people without a line break: streaming. */
  write(text: string): void;
  /** One JSON value on a line of its own; nothing without `--json`. */
  data(value: unknown): void;
  /** A remark on stderr, in both modes: which engine was chosen, what was passed over. */
  note(line: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    tty: process.stdout.isTTY === true && !json,
    print(line = ''): void {
      if (!json) process.stdout.write(`${line}\n`);
    },
    write(text): void {
      if (!json) process.stdout.write(text);
    },
    data(value): void {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    note(line): void {
      process.stderr.write(`${pc.dim(line)}\n`);
    },
  };
}
