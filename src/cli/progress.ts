// Progress of long work: a bar on a terminal, a line now and then elsewhere. On stderr, so that stdout stays
// clean.
import cliProgress from 'cli-progress';
import { formatDuration, formatShort } from '../base/format.ts';
import { terminalStyle } from './terminal.ts';
import { cellText } from './view/ink.ts';

export interface Progress {
  /**
   * `done` of `total` so far (0: the total is unknown). May be called as often as one likes. Another `unit`
   * than before begins a new count.
   */
  update(done: number, total: number, unit?: string): void;
  /** Removes the bar. May be called twice. */
  end(): void;
}

/** Nothing is shown at first: short work needs no bar. */
const BAR_AFTER_MS = 500;
const LINE_AFTER_MS = 2000;
const LINE_EVERY_MS = 10_000;

/** Shows that time passes while there are no updates. */
const REFRESH_MS = 500;

/** The pieces of work in progress, innermost last. Only the innermost is shown. */
const underWay: { hide(): void }[] = [];

/** Determines when the next line is due, where lines are written. */
export function createLinePace(): () => boolean {
  let next = performance.now() + LINE_AFTER_MS;
  return () => {
    const now = performance.now();
    if (now < next) return false;
    next = now + LINE_EVERY_MS;
    return true;
  };
}

/**
 * `name  ████░░░░  45 %  1.2M bytes/s  12s left`; `unit` is what is counted. Without updates: the time so
 * far.
 */
export function createProgress(name: string, unit = ''): Progress {
  const label = cellText(name);
  const begun = performance.now();
  const lineDue = createLinePace();
  const now = { done: 0, total: 0, unit, since: begun };
  const self = { hide };
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    format: (options, { progress }) =>
      now.total > 0 && now.done > 0
        ? `${label}  ${cliProgress.Format.BarFormat(progress, options)}  ${figures()}`
        : `${label}  ${figures()}`,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: false, // Ctrl-C may end the program at any moment, and would leave the cursor hidden
    clearOnComplete: true,
    gracefulExit: false,
  });
  let shown = false;

  function figures(): string {
    const { done, total, unit, since } = now;
    const perSecond = done / ((performance.now() - since) / 1000);
    const rate = `${formatShort(perSecond)} ${unit}/s`;
    if (done === 0) return formatDuration((performance.now() - begun) / 1000);
    if (total === 0) return `${formatShort(done)} ${unit}  ${rate}`;
    return `${Math.floor((100 * done) / total)} %  ${rate}  ${formatDuration((total - done) / perSecond)} left`;
  }

  function hide(): void {
    if (shown) bar.stop();
    shown = false;
  }

  function show(): void {
    if (performance.now() - begun < BAR_AFTER_MS || underWay.at(-1) !== self) return;
    if (!terminalStyle(process.stderr).tty) {
      hide(); // the terminal has lost its width
      if (lineDue()) process.stderr.write(`${label}  ${figures()}\n`);
    } else if (shown) {
      bar.setTotal(Math.max(1, now.total));
      bar.update(now.done);
    } else {
      bar.start(Math.max(1, now.total), now.done);
      shown = true;
    }
  }

  const timer = setInterval(show, REFRESH_MS);
  timer.unref();
  underWay.at(-1)?.hide();
  underWay.push(self);
  return {
    update(done, total, unit = now.unit): void {
      const since = unit === now.unit ? now.since : performance.now();
      Object.assign(now, { done, total, unit, since });
      show();
    },
    end(): void {
      clearInterval(timer);
      hide();
      if (underWay.includes(self)) underWay.splice(underWay.indexOf(self), 1);
    },
  };
}

/** Runs `work` and shows its progress; without updates, only the time so far. */
export async function withProgress<T>(
  name: string,
  unit: string,
  work: (update: Progress['update']) => T | Promise<T>,
): Promise<T> {
  const progress = createProgress(name, unit);
  try {
    return await work(progress.update);
  } finally {
    progress.end();
  }
}
