// The output of a command: lines for people or JSON for machines on stdout, remarks on stderr. Control
// characters from files and models reach neither a terminal nor a message: see view/ink.ts.
import { once } from 'node:events';
import type { Colors } from 'picocolors/types.js';
import { revealJson } from '../base/controls.ts';
import { runnable } from '../base/node-command.ts';
import { formatTable, type TableColumn } from './table.ts';
import { isTerminal, terminalStyle } from './terminal.ts';
import { cellText, createColors, terminalText } from './view/ink.ts';

export interface Output {
  /** True with `--json`: then `print` does nothing. */
  readonly json: boolean;
  /** Whether stdout is a terminal. */
  readonly tty: boolean;
  /** Colours for `print`: none if stdout is not a terminal, or with `NO_COLOR`. */
  readonly colors: Colors;
  /** A line for people. */
  print(line?: string): void;
  /** Text for people without a line break: streaming. */
  write(text: string): void;
  /**
   * Text from a model or file. On a terminal its control characters are made visible; elsewhere it is
   * unchanged.
   */
  speak(text: string | Uint8Array, style?: (text: string) => string): void;
  /** Aligned columns for people, with a dim heading. */
  table(columns: readonly (string | TableColumn)[], rows: readonly (readonly string[])[]): void;
  /** Labelled values, one per line, with dim labels. */
  facts(rows: readonly (readonly [label: string, value: string])[]): void;
  /** One JSON value on a line of its own. Only with `--json`. */
  data(value: unknown): void;
  /**
   * A piece of long output, in both modes (with `--json` part of a document). Waits for a slow reader.
   */
  pour(piece: string | Uint8Array): Promise<void>;
  /** A remark on stderr, in both modes: the chosen engine, what was left out. */
  note(line: string): void;
}

/** The streams of a program. */
export interface Streams {
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
}

export function createOutput(json: boolean, { stdout, stderr }: Streams = process): Output {
  const { tty, color } = terminalStyle(stdout);
  const colors = createColors(color);
  const remarks = createColors(terminalStyle(stderr).color);
  const write = (text: string): void => {
    if (!json) stdout.write(terminalText(text));
  };
  return {
    json,
    tty: tty && !json,
    colors,
    print: (line = '') => write(`${line}\n`),
    write,
    speak(text, style = String): void {
      if (json || text.length === 0) return;
      if (!isTerminal(stdout)) stdout.write(text);
      else write(style(typeof text === 'string' ? text : new TextDecoder().decode(text)));
    },
    table(columns, rows): void {
      const cells = rows.map((row) => row.map(cellText));
      const [head, ...body] = formatTable(columns, cells);
      write(`${[colors.dim(head), ...body].join('\n')}\n`);
    },
    facts(rows): void {
      const width = Math.max(...rows.map(([label]) => label.length));
      for (const [label, value] of rows) write(`${colors.dim(label.padEnd(width))}  ${value}\n`);
    },
    data(value): void {
      if (json) stdout.write(`${revealJson(JSON.stringify(value))}\n`);
    },
    async pour(piece): Promise<void> {
      const text = typeof piece === 'string' && isTerminal(stdout) ? terminalText(piece) : piece;
      if (!stdout.write(text)) await once(stdout, 'drain');
    },
    note(line): void {
      stderr.write(`${terminalText(remarks.dim(runnable(line)))}\n`);
    },
  };
}
