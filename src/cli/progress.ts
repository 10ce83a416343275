// Progress of something that takes a while: a bar on a terminal, a line now and then elsewhere. On stderr, so that stdout
// stays clean.
import cliProgress from 'cli-progress';
import { formatDuration, formatShort } from '../report/format.ts';
import { terminalStyle } from './terminal.ts';
import { cellText } from './view/ink.ts';

export interface Progress {
  /** `done` of `total` so far; both may be called as often as one likes. */
  update(done: number, total: number): void;
  /** Takes the bar away. */
  end(): void;
}

/** Nothing is shown in the first moments: what is done at once needs no bar. */
const PATIENCE_MS = 500;
const LINE_EVERY_MS = 10_000;

/** `name  ████░░░░  45 %  1.2M bytes/s  12s left`; `unit` is what is counted. */
export function createProgress(name: string, unit: string): Progress {
  const label = cellText(name);
  const begun = performance.now();
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    format: '{label}  {bar}  {percentage} %  {rate}  {left} left',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: false, // Ctrl-C may end the program at any moment, and would leave the terminal without one
    clearOnComplete: true,
    gracefulExit: false,
  });
  let shown = false;
  let lastLine = begun;

  function figures(done: number, total: number): { label: string; rate: string; left: string } {
    const perSecond = done / ((performance.now() - begun) / 1000);
    return {
      label,
      rate: `${formatShort(perSecond)} ${unit}/s`,
      left: formatDuration((total - done) / perSecond),
    };
  }

  function hide(): void {
    if (shown) bar.stop();
    shown = false;
  }

  return {
    update(done, total): void {
      const now = performance.now();
      if (now - begun < PATIENCE_MS) return;
      if (terminalStyle(process.stderr).tty) {
        if (!shown) bar.start(total, done, figures(done, total));
        else bar.update(done, figures(done, total));
        shown = true;
        return;
      }
      hide(); // the terminal has lost its width
      if (now - lastLine >= LINE_EVERY_MS) {
        lastLine = now;
        const { rate, left } = figures(done, total);
        process.stderr.write(`${label}  ${Math.floor((100 * done) / total)} %  ${rate}  ${left} left\n`);
      }
    },
    end: hide,
  };
}
