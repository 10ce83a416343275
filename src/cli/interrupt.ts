// Interruptions: Ctrl-C, SIGTERM, a closed terminal, an output that cannot be written. A command with
// something to save is asked to stop, and saves. Any other command ends at once, with at most one line. Read
// next: main.ts.
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { reason } from '../io/node-store.ts';
import { terminalStyle } from './terminal.ts';

let controller: AbortController | undefined;
let stoppedBy: NodeJS.Signals | undefined;

/** Signals by which somebody asks a command to stop. The terminal asks by SIGHUP. */
const REQUESTS = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;

/**
 * Aborted by the first Ctrl-C (or SIGTERM, SIGQUIT, SIGHUP), and when stdout cannot be written. A second
 * Ctrl-C ends the process. This holds only for a command that reads the signal, from then on; before, the
 * system ends the process at once, after what `undoOnSignal` was given.
 */
export function interruptSignal(): AbortSignal {
  if (controller) return controller.signal;
  controller = new AbortController();
  stopUndoing();
  for (const name of REQUESTS) onRequest(name);
  process.on('SIGHUP', () => stop('SIGHUP')); // may come twice, from the terminal and from the shell
  return controller.signal;
}

/** npm passes on a Ctrl-C that the terminal has also sent: both arrive within a few milliseconds. */
const ONE_REQUEST_MS = 100;

/**
 * The first signal asks. Then the system's default applies, which ends a process even while it computes.
 */
function onRequest(name: (typeof REQUESTS)[number]): void {
  const ask = (): void => {
    setTimeout(() => process.removeListener(name, ask), ONE_REQUEST_MS).unref();
    showCursor();
    stop(name);
  };
  process.on(name, ask);
}

const undoings = new Set<() => void>();

/**
 * Has `undo` run when a signal ends the process before the command has anything to save. Returns a function
 * that revokes this.
 */
export function undoOnSignal(undo: () => void): () => void {
  if (controller) return () => {};
  if (undoings.size === 0) for (const name of [...REQUESTS, 'SIGHUP'] as const) process.on(name, undoAll);
  undoings.add(undo);
  return () => {
    undoings.delete(undo);
    if (undoings.size === 0) stopUndoing();
  };
}

function undoAll(name: NodeJS.Signals): void {
  for (const undo of [...undoings]) undo();
  stopUndoing();
  process.kill(process.pid, name); // now the system's default applies
}

function stopUndoing(): void {
  undoings.clear();
  for (const name of [...REQUESTS, 'SIGHUP'] as const) process.removeListener(name, undoAll);
}

function stop(name: NodeJS.Signals): void {
  stoppedBy ??= name;
  if (name === 'SIGHUP') process.on('exit', endWithTerminal);
  controller?.abort(new Error(`interrupted by ${stoppedBy}`));
}

/** A live view has hidden the cursor, and the second Ctrl-C leaves no time to restore it. */
function showCursor(): void {
  if (terminalStyle(process.stdout).tty) process.stdout.write('\u001b[?25h\u001b[?7h');
}

/**
 * 0; or, if a signal asked the command to stop, 128 + its number, as in shells, so that `train && eval` also
 * ends.
 */
export function endCode(): number {
  return stoppedBy ? 128 + constants.signals[stoppedBy] : 0;
}

/** The standard streams that are terminals. */
function terminals(): number[] {
  return [0, 1, 2].filter((fd) => isatty(fd));
}

const terminalsBefore = terminals();

/**
 * Ends the process after its terminal has gone, by SIGHUP: on a normal exit Node restores the settings of a
 * terminal, and aborts if it does not exist any more. Shells report 129, the same as our own exit code.
 */
function endWithTerminal(): void {
  if (terminals().length === terminalsBefore.length) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

/**
 * The signal that corresponds to an output error: the reader has gone, the terminal has gone; any other error
 * counts as SIGTERM.
 */
const LIKE: Readonly<Record<string, NodeJS.Signals>> = { EPIPE: 'SIGPIPE', EIO: 'SIGHUP' };

/**
 * Handles errors of stdout and stderr, so that none ends in a stack trace. If the reader stops (`inkhorn ...
 * | head`) the program ends quietly; a full disk is reported in one line.
 */
export function watchOutputs(): void {
  let failed = false;
  process.stderr.on('error', () => {}); // nobody reads the remarks
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (failed) return;
    failed = true;
    process.on('exit', endWithTerminal);
    const like = LIKE[error.code ?? ''];
    if (!like) process.stderr.write(`inkhorn: cannot write to stdout: ${reason(error)}\n`);
    if (controller) stop(like ?? 'SIGTERM');
    else process.exit(like ? 0 : 1);
  });
}
