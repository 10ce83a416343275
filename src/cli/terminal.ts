// What people see while a model trains: a live view on a terminal, plain lines elsewhere. Both read the same events.
// Read next: view/live.ts, view/plain.ts.
import pc from 'picocolors';
import type { TrainEvent } from '../train/events.ts';
import { createLiveView, type Terminal } from './view/live.ts';
import { plainLines } from './view/plain.ts';

/** How a view looks. */
export interface TrainViewOptions {
  /** Steps of the whole run: where the progress bar ends. */
  totalSteps: number;
  /** Colours; off where `NO_COLOR` is set or the output is not a terminal, see `terminalStyle`. */
  color: boolean;
  /** True draws in place, which takes a terminal; false writes lines. */
  tty: boolean;
}

/** Takes the events of one run as they come. */
export interface TrainView {
  event(event: TrainEvent): void;
  /** Leaves the terminal as it was. Comes by itself with the `done` event; call it as well when the run throws. */
  end(): void;
}

/**
 * A view of a run on `stream`.
 * @example
 * const view = createTrainView(process.stderr, { totalSteps, ...terminalStyle(process.stderr) });
 * for await (const event of train(options)) view.event(event);
 * view.end();
 */
export function createTrainView(stream: Terminal, options: TrainViewOptions): TrainView {
  const colors = pc.createColors(options.color);
  if (options.tty) return createLiveView(stream, options.totalSteps, colors);
  return {
    event(event) {
      const lines = plainLines(event, options.totalSteps, colors);
      if (lines !== null) stream.write(`${lines}\n`);
    },
    end() {},
  };
}

/** What suits a stream: no drawing in place unless it is a terminal that can, no colour there or under `NO_COLOR`. */
export function terminalStyle(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): { tty: boolean; color: boolean } {
  const tty = stream.isTTY === true && env.TERM !== 'dumb';
  return { tty, color: tty && !env.NO_COLOR };
}
