// Training on a terminal. Evaluations and warnings scroll by; below them stay a chart of the loss, the last
// sample, the state of the ReLUs and the progress. Everything fits the window, however narrow.
import cliProgress from 'cli-progress';
import type { Colors } from 'picocolors/types.js';
import { formatCount } from '../../base/format.ts';
import type { ProbeEvent, SampleEvent, StepEvent, TrainEvent } from '../../train/events.ts';
import type { MilestoneProgress } from '../../train/run.ts';
import { chartStart, type LossPoint, lossChart } from './chart.ts';
import { cellText, ours, terminalText } from './ink.ts';
import { checkpointLine, doneLine, evalLine, healthLine, milestonePart, stepParts } from './lines.ts';
import { columnsOf, cutText, fitLine, textWidth, viewText, wrapText } from './width.ts';

/** What a live view needs from a terminal. */
export type Terminal = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** The state: a frame is drawn from it and the size of the window. */
export interface Scene {
  totalSteps: number;
  /** Number of steps done, including those before a resume. */
  done: number;
  step: StepEvent | null;
  probe: ProbeEvent | null;
  sample: SampleEvent | null;
  /** The present evaluation or sample. */
  milestone: MilestoneProgress | null;
  batches: LossPoint[];
  validation: LossPoint[];
}

/** The state before the first event. */
export function createScene(totalSteps: number, done = 0): Scene {
  return {
    totalSteps,
    done,
    step: null,
    probe: null,
    sample: null,
    milestone: null,
    batches: [],
    validation: [],
  };
}

const CHART_ROWS = 8;
const SAMPLE_ROWS = 4;
/** Rows of the window for scrolling lines. */
const SCROLL_ROWS = 6;
const LONGEST_BAR = 200;

/**
 * The lines that stay at the bottom, progress last. Chart and sample only if the window has rows for them.
 * `bar` draws a progress bar of a given width.
 */
export function frame(
  scene: Scene,
  size: { columns: number; rows: number },
  colors: Colors,
  bar: (columns: number) => string,
): string[] {
  const { columns } = size;
  let free = size.rows - SCROLL_ROWS - 2;
  const lines: string[] = [];
  const chart = lossChart(scene.batches, scene.validation, columns, CHART_ROWS, colors.isColorSupported);
  if (chart.length > 0 && free > chart.length + 1) {
    const validation = colors.isColorSupported ? `, ${colors.blueBright('validation')}` : '';
    const start = chartStart(scene.batches);
    const since = start > 0 ? ` from step ${formatCount(start)}` : '';
    lines.push(
      '',
      ...chart.map(ours),
      fitLine(`       loss${since}: ${colors.yellow('batches')}${validation}`, columns),
    );
    free -= chart.length + 2;
  }
  if (scene.sample && free > 2)
    lines.push('', ...sampleLines(scene.sample, columns, Math.min(SAMPLE_ROWS, free - 2), colors));
  lines.push('');
  if (scene.probe) lines.push(fitLine(healthLine(scene.probe), columns));
  lines.push(progressLine(scene, columns, colors, bar));
  return lines;
}

function sampleLines(
  { step, prompt, text }: SampleEvent,
  columns: number,
  rows: number,
  colors: Colors,
): string[] {
  const lines = viewText(prompt + text)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => cutText(line, columns - 2));
  const head = colors.cyan(`sample at step ${formatCount(step)}`);
  return [fitLine(head, columns), ...lines.slice(0, rows - 1).map((line) => fitLine(`  ${line}`, columns))];
}

const SHORTEST_BAR = 10;

/** Bar, steps, and as many of the other figures as fit. */
function progressLine(
  scene: Scene,
  columns: number,
  colors: Colors,
  bar: (columns: number) => string,
): string {
  const count = `${formatCount(scene.done)}/${formatCount(scene.totalSteps)}`;
  let tail = `  ${count}`;
  const { step, milestone } = scene;
  const parts = [...(milestone ? [milestonePart(milestone)] : []), ...(step ? stepParts(step) : [])];
  for (const part of parts) {
    if (textWidth(tail) + 2 + part.length + SHORTEST_BAR > columns) break;
    tail += `  ${part}`;
  }
  const room = Math.min(40, columns - textWidth(tail));
  return room >= SHORTEST_BAR ? colors.green(bar(room)) + tail : fitLine(tail.trimStart(), columns);
}

/** Draws on `stream` until `end`, and updates `scene`; see `createTrainView`. */
export function createLiveView(
  stream: Terminal,
  scene: Scene,
  colors: Colors,
): { event(event: TrainEvent): void; progress(progress: MilestoneProgress): boolean; end(): void } {
  const { totalSteps } = scene;
  /**
   * The library clears everything right of the cursor, and would erase a character in the last column.
   */
  const columns = (): number => columnsOf(stream) - 1;
  const screen = new cliProgress.MultiBar({
    stream,
    fps: 5,
    barsize: LONGEST_BAR,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    linewrap: false,
    forceRedraw: true,
    gracefulExit: false,
    clearOnComplete: true,
  });

  // The library draws bars one below the other and keeps them in place. Here each line of the frame is a bar.
  let lines: string[] = [''];
  const rows: cliProgress.SingleBar[] = [];
  function addRow(): void {
    const index = rows.length;
    rows.push(screen.create(totalSteps, 0, {}, { format: () => lines[index] ?? '' }));
  }
  function redraw(): void {
    const progress = Math.min(1, scene.done / Math.max(1, totalSteps));
    const options = {
      barsize: 0,
      barGlue: '',
      barCompleteString: '█'.repeat(LONGEST_BAR),
      barIncompleteString: '░'.repeat(LONGEST_BAR),
    };
    const bar = (barsize: number): string => cliProgress.Format.BarFormat(progress, { ...options, barsize });
    lines = frame(scene, { columns: columns(), rows: stream.rows || 24 }, colors, bar).map(terminalText);
    while (rows.length < lines.length) addRow();
  }
  addRow();
  screen.on('update-pre', redraw);

  /** Lines above the frame, which is erased to make room for them. */
  function print(text: readonly string[]): void {
    for (const line of text) screen.log(`\u001b[0J${terminalText(fitLine(cellText(line), columns()))}\n`);
  }

  /**
   * Terminals break and join lines unpredictably when they are resized. So the screen is cleared.
   */
  function resize(): void {
    stream.write('\u001b[2J\u001b[H');
    screen.update();
  }
  stream.on('resize', resize);

  let ended = false;
  function end(): void {
    if (ended) return;
    ended = true;
    process.removeListener('exit', end);
    stream.removeListener('resize', resize);
    screen.update();
    screen.stop();
    stream.write(`${lines.join('\n')}\n`); // the last frame stays
  }
  process.once('exit', end); // restores the cursor even if nobody calls end()

  return {
    event(event) {
      if (ended) return;
      scene.milestone = null;
      switch (event.type) {
        case 'step':
          scene.step = event;
          scene.done = event.step;
          scene.batches.push({ step: event.step, loss: event.loss });
          break;
        case 'eval':
          scene.validation.push({ step: event.step, loss: event.valLoss });
          print([evalLine(event, totalSteps, colors)]);
          break;
        case 'probe':
          scene.probe = event;
          break;
        case 'sample':
          scene.sample = event;
          break;
        case 'checkpoint':
          // The evaluation has reported it, and the path is known from the start.
          if (event.kind === 'best' || event.step === scene.validation.at(-1)?.step) break;
          print([checkpointLine(event, colors)]);
          break;
        case 'warning':
          print(
            wrapText(`warning  step ${formatCount(event.step)}: ${event.message}`, columns()).map(
              colors.yellow,
            ),
          );
          break;
        case 'done':
          print([doneLine(event, colors)]);
          end();
      }
    },
    progress(progress) {
      if (!ended) scene.milestone = progress;
      return true;
    },
    end,
  };
}
