// What ends a command before its time: Ctrl-C, SIGTERM, a terminal that goes away, an output that takes
// nothing more. A command with something to save is asked to stop, and saves; any other one ends at once,
// with one line at most. Read next: main.ts.
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { reason } from '../io/node-store.ts';

let controller: AbortController | undefined;
let stoppedBy: NodeJS.Signals | undefined;

/**
 * Aborted by the first Ctrl-C (or SIGTERM, or SIGHUP), and when stdout takes nothing more; a second Ctrl-C
 * ends the process. Only a command that asks for it is stopped in this way, and from then on: before, the
 * system ends it at once.
 */
export function interruptSignal(): AbortSignal {
  if (controller) return controller.signal;
  controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) onRequest(name);
  process.on('SIGHUP', () => stop('SIGHUP')); // may come twice, from the terminal and from the shell
  return controller.signal;
}

/** npm passes on a Ctrl-C that the terminal has sent already: both come within a few milliseconds. */
const ONE_REQUEST_MS = 100;

/**
 * The first one asks; from then on the system's default holds, which ends a process even while it computes.
 */
function onRequest(name: 'SIGINT' | 'SIGTERM'): void {
  const ask = (): void => {
    setTimeout(() => process.removeListener(name, ask), ONE_REQUEST_MS).unref();
    showCursor();
    stop(name);
  };
  process.on(name, ask);
}

function stop(name: NodeJS.Signals): void {
  stoppedBy ??= name;
  if (name === 'SIGHUP') process.on('exit', endWithTerminal);
  controller?.abort(new Error(`interrupted by ${stoppedBy}`));
}

/** A live view has hidden it, and the second Ctrl-C leaves no time to give it back. */
function showCursor(): void {
  if (process.stdout.isTTY) process.stdout.write('\u001b[?25h\u001b[?7h');
}

/**
 * 0; where something asked a command to stop, 128 + the signal's number, as shells say it, so that `train &&
 * eval` ends there too.
 */
export function endCode(): number {
  return stoppedBy ? 128 + constants.signals[stoppedBy] : 0;
}

/** Which of the standard streams are a terminal. */
function terminals(): number[] {
  return [0, 1, 2].filter((fd) => isatty(fd));
}

const terminalsBefore = terminals();

/**
 * Ends the process where its terminal has gone: by SIGHUP itself, for Node gives a terminal its settings back
 * when it exits, and aborts where there is none to take them. Shells say 129 of it, as of our own exit code.
 */
function endWithTerminal(): void {
  if (terminals().length === terminalsBefore.length) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

/**
 * What it is like when an output fails: the reader has left, the terminal has gone; anything else is like
 * being told to end.
 */
const LIKE: Readonly<Record<string, NodeJS.Signals>> = { EPIPE: 'SIGPIPE', EIO: 'SIGHUP' };

/**
 * Minds stdout and stderr, so that nothing that happens to them ends in a stack trace. A reader that has seen
 * enough (`inkhorn ... | head`) ends the program quietly, a full disk with a line.
 */
export function watchOutputs(): void {
  let failed = false;
  process.stderr.on('error', () => {}); // remarks that nobody reads
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
