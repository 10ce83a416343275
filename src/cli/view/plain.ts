// Training as plain lines, for files, pipes and simple terminals: about a hundred steps, and every other
// event.
import type { Colors } from 'picocolors/types.js';
import { formatCount } from '../../base/format.ts';
import type { TrainEvent } from '../../train/events.ts';
import { checkpointLine, doneLine, evalLine, healthLine, stepParts } from './lines.ts';
import { viewText } from './width.ts';

/** The lines of an event; null for a step that is left out. */
export function plainLines(event: TrainEvent, totalSteps: number, colors: Colors): string | null {
  switch (event.type) {
    case 'step': {
      const every = Math.ceil(totalSteps / 100);
      if (event.step !== 1 && event.step !== totalSteps && event.step % every !== 0) return null;
      const total = formatCount(totalSteps);
      return `step ${formatCount(event.step).padStart(total.length)}/${total}  ${stepParts(event).join('  ')}`;
    }
    case 'eval':
      return evalLine(event, totalSteps, colors);
    case 'probe':
      return `${colors.cyan('probe')}  step ${formatCount(event.step)}  ${healthLine(event)}`;
    case 'sample': {
      const text = viewText(event.prompt + event.text).replaceAll('\n', '\n  | ');
      return `${colors.cyan('sample')}  step ${formatCount(event.step)}\n  | ${text}`;
    }
    case 'checkpoint':
      return checkpointLine(event, colors);
    case 'warning':
      return `${colors.yellow('warning')}  step ${formatCount(event.step)}, ${event.kind}: ${event.message}`;
    case 'done':
      return doneLine(event, colors);
  }
}
