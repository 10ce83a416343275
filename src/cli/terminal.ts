// What people see while a model trains: a live view on a terminal, plain lines elsewhere. Both read the same
// events. Read next: view/live.ts, view/plain.ts.
import type { Colors } from 'picocolors/types.js';
import type { TrainEvent } from '../train/events.ts';
import type { MilestoneProgress } from '../train/run.ts';
import { createColors, terminalText } from './view/ink.ts';
import { createLiveView, createScene, type Terminal } from './view/live.ts';
import { plainLines } from './view/plain.ts';

/** How a view looks. */
export interface TrainViewOptions {
  /** Steps of the whole run: where the progress bar ends. */
  totalSteps: number;
  /** Steps that were done before. Default 0. */
  done?: number;
  /** Colours; off where `NO_COLOR` is set or the output is not a terminal, see `terminalStyle`. */
  color: boolean;
  /** True draws in place, which takes a terminal; false writes lines. */
  tty: boolean;
}

/** Takes the events of one run as they come. */
export interface TrainView {
  event(event: TrainEvent): void;
  /**
   * Shows how far an evaluation or a sample is; false where lines are written, which have no place for it.
   */
  progress(progress: MilestoneProgress): boolean;
  /**
   * Leaves the terminal as it was. Comes by itself with the `done` event; call it as well when the run
   * throws.
   */
  end(): void;
}

/**
 * A view of a run on `stream`. A terminal that loses its width gets lines until it has one again.
 * @example
 * const view = createTrainView(process.stderr, { totalSteps, ...terminalStyle(process.stderr) });
 * for await (const event of train(options)) view.event(event);
 * view.end();
 */
export function createTrainView(stream: Terminal, options: TrainViewOptions): TrainView {
  const { totalSteps, done } = options;
  const scene = createScene(totalSteps, done);
  const open = (tty: boolean, color: boolean): TrainView => {
    const colors = createColors(color);
    return tty ? createLiveView(stream, scene, colors) : createPlainView(stream, totalSteps, colors);
  };
  let drawn = options.tty;
  let view = open(options.tty, options.color);
  function resize(): void {
    const { tty, color } = terminalStyle(stream);
    if (tty === drawn) return;
    view.end();
    drawn = tty;
    view = open(tty, color);
  }
  function end(): void {
    stream.removeListener('resize', resize);
    view.end();
  }
  if (isTerminal(stream)) stream.on('resize', resize);
  return {
    event(event) {
      view.event(event);
      if (event.type === 'done') end();
    },
    progress: (progress) => view.progress(progress),
    end,
  };
}

function createPlainView(stream: Terminal, totalSteps: number, colors: Colors): TrainView {
  return {
    event(event) {
      const lines = plainLines(event, totalSteps, colors);
      if (lines !== null) stream.write(`${terminalText(lines)}\n`);
    },
    progress: () => false,
    end() {},
  };
}

/** Whether someone may look at what is written: control characters would do something there. */
export function isTerminal(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/**
 * What suits a stream: no drawing in place and no colour unless it is a terminal that can, no colour under
 * `NO_COLOR`. One of no columns cannot: `mpirun` and some schedulers give it to programs whose output goes to
 * a file.
 */
export function terminalStyle(
  stream: { isTTY?: boolean; columns?: number },
  env: Readonly<Record<string, string | undefined>> = process.env,
): { tty: boolean; color: boolean } {
  const tty = isTerminal(stream) && env.TERM !== 'dumb' && stream.columns !== 0;
  return { tty, color: tty && !env.NO_COLOR };
}
