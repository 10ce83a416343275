// A tokenizer as it learns: its merges so far. They are made faster than one can see, so they come at a pace
// that shows each; they wait, come one by one, or all at once.
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { type MergeEvent, Tokenizer, type TokenizerTraining } from 'inkhorn';
import { library } from '../../engine.ts';

export type LearnerState =
  | { state: 'reading'; done: number; total: number }
  | { state: 'merging' }
  | { state: 'paused' }
  | { state: 'done' }
  | { state: 'failed'; reason: string };

export interface Learner {
  /** Grows in place, as `count` says. Another text has another array. */
  readonly merges: ReadonlySignal<readonly MergeEvent[]>;
  readonly count: ReadonlySignal<number>;
  readonly state: ReadonlySignal<LearnerState>;
  /** The tokenizer of the merges so far. */
  tokenizer(): Tokenizer;
  start(text: Uint8Array, training: TokenizerTraining): Promise<void>;
  pause(): void;
  goOn(): void;
  /** Makes one more merge, and waits. */
  step(): void;
  /** Makes all that are left at once. */
  finish(): void;
  stop(): void;
}

/** Merges per second where nobody looks at each. */
const AT_ONCE = 1e9;
/** Seconds that all merges take to appear, and how many appear per second at least. */
const WHOLE = 7;
const SLOWEST = 30;

export function createLearner(): Learner {
  const merges = signal<MergeEvent[]>([]);
  const count = signal(0);
  const state = signal<LearnerState>({ state: 'reading', done: 0, total: 0 });
  let training: TokenizerTraining = { vocabSize: 256 };
  let current = new AbortController();
  /** Merges that may be shown now. */
  let allowed = 0;
  let pace = SLOWEST;
  let wake = (): void => {};
  let known: { merges: number; tokenizer: Tokenizer } | null = null;

  const stop = (): void => {
    current.abort(new DOMException('stopped', 'AbortError'));
    wake();
  };
  const pass = async (stopped: AbortSignal): Promise<void> => {
    while (allowed < 1 && !stopped.aborted)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    allowed--;
  };
  /** Lets merges pass, frame by frame, while nobody pauses. */
  const clock = (stopped: AbortSignal): void => {
    let last = performance.now();
    const tick = (now: number): void => {
      if (stopped.aborted) return;
      if (state.value.state === 'merging') allowed += ((now - last) * pace) / 1000;
      last = now;
      if (allowed >= 1) wake();
      count.value = merges.value.length;
      if (state.value.state !== 'done' && state.value.state !== 'failed') requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  };

  return {
    merges,
    count,
    state,
    stop,
    tokenizer() {
      const n = merges.value.length;
      if (known?.merges !== n) {
        const pairs = merges.value.map(({ pair }) => pair);
        known = { merges: n, tokenizer: new Tokenizer({ merges: pairs, pattern: training.pattern }) };
      }
      return known.tokenizer;
    },
    async start(text, wanted) {
      stop();
      const mine = new AbortController();
      current = mine;
      training = wanted;
      known = null;
      allowed = 0;
      pace = Math.max(SLOWEST, (wanted.vocabSize - 256) / WHOLE);
      if (matchMedia('(prefers-reduced-motion: reduce)').matches) pace = AT_ONCE;
      const made: MergeEvent[] = [];
      batch(() => {
        merges.value = made;
        count.value = 0;
        state.value = { state: 'reading', done: 0, total: text.length };
      });
      clock(mine.signal);
      try {
        // It takes no turn: a training goes on meanwhile, whose model has nothing to do with it.
        const events = (await library()).trainTokenizer(text, {
          ...wanted,
          signal: mine.signal,
          onProgress: (done, total, unit) => {
            if (unit === 'bytes' && state.value.state === 'reading' && !mine.signal.aborted)
              state.value = { state: 'reading', done, total };
          },
        });
        for await (const event of events) {
          if (mine.signal.aborted) return;
          if (event.type === 'done') break;
          if (state.value.state === 'reading') state.value = { state: 'merging' };
          await pass(mine.signal);
          if (mine.signal.aborted) return;
          made.push(event);
        }
        batch(() => {
          state.value = { state: 'done' };
          count.value = made.length;
        });
      } catch (error) {
        if (mine.signal.aborted) return;
        state.value = { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
      }
    },
    pause() {
      if (state.value.state !== 'merging') return;
      allowed = 0;
      batch(() => {
        state.value = { state: 'paused' };
        count.value = merges.value.length;
      });
    },
    goOn() {
      if (state.value.state === 'paused') state.value = { state: 'merging' };
    },
    step() {
      if (state.value.state === 'merging') state.value = { state: 'paused' };
      allowed = 1;
      wake();
    },
    finish() {
      if (state.value.state === 'paused') state.value = { state: 'merging' };
      pace = AT_ONCE;
    },
  };
}
