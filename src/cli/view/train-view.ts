// The view of a training: live on a terminal, plain lines elsewhere. Both read the same events. Read next:
// live.ts, plain.ts.
import type { Colors } from 'picocolors/types.js';
import type { TrainEvent } from '../../train/events.ts';
import type { MilestoneProgress } from '../../train/run.ts';
import { isTerminal, terminalStyle } from '../terminal.ts';
import { createColors, terminalText } from './ink.ts';
import { createLiveView, createScene, type Terminal } from './live.ts';
import { plainLines } from './plain.ts';

/** Options of a view. */
export interface TrainViewOptions {
  /** Number of steps of the whole run, where the progress bar ends. */
  totalSteps: number;
  /** Number of steps done before. Default 0. */
  done?: number;
  /** Colours. Off if `NO_COLOR` is set or the output is not a terminal, see `terminalStyle`. */
  color: boolean;
  /** True draws in place, which needs a terminal; false writes lines. */
  tty: boolean;
}

/** Takes the events of one run in order. */
export interface TrainView {
  event(event: TrainEvent): void;
  /**
   * Shows the progress of an evaluation or sample. Returns false if lines are written, which have no place
   * for it.
   */
  progress(progress: MilestoneProgress): boolean;
  /**
   * Restores the terminal. Called automatically by the `done` event; call it also when the run throws.
   */
  end(): void;
}

/**
 * A view of a run on `stream`. While a terminal has no width, lines are written.
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
