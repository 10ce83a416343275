// One text that a model writes: its tokens so far, how to write it, to stop, and to go on from another token.
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type {
  GenerateEvent,
  LibraryWorker,
  PlainGenerateOptions,
  StartEvent,
  TokenEvent,
  Tokenizer,
  WorkerModel,
} from 'inkhorn';
import { inTurn } from './engine.ts';
import { withModel } from './kept/models.ts';
import type { ShownToken } from './parts/tokens.tsx';

/** A token that was drawn, or put in the place of one. */
export interface WrittenToken extends ShownToken {
  /** ln of the model's probability of it at its place. */
  logprob: number;
  /** The most likely tokens there, with their text for people. */
  top: NonNullable<TokenEvent['top']>;
  /** Number of bytes at the end of the prompt that the token contains: see heal.ts of the library. */
  held: number;
  /** Whether somebody put it there. */
  chosen: boolean;
}

/** A text as it is written. `tokens` grows in place; another text is another array. */
export interface Written {
  model: string;
  prompt: string;
  /**
   * The token before the text where the prompt does not give one; null where it does, and before it is known.
   */
  start: number | null;
  /** Tokens at the start of the prompt that the model cannot see: it is longer than its context. */
  unseen: number;
  /** Null until the model is there. */
  tokenizer: Tokenizer | null;
  /** The context of the model, and how many tokens fit it after the prompt. Null until the model is there. */
  context: { size: number; left: number } | null;
  tokens: readonly WrittenToken[];
}

export type WriterState =
  | { state: 'idle'; end: string }
  | { state: 'loading' }
  | { state: 'writing' }
  | { state: 'failed'; reason: string };

export interface Writer {
  readonly written: ReadonlySignal<Written | null>;
  /** Number of tokens so far. */
  readonly length: ReadonlySignal<number>;
  readonly state: ReadonlySignal<WriterState>;
  /** Tokens per second of the last text; null before. */
  readonly rate: ReadonlySignal<number | null>;
  /** Writes another text. A text that is being written ends. */
  write(model: string, prompt: string, options: PlainGenerateOptions): Promise<void>;
  /** Puts token `id` in the place of token `at`, and goes on from there. */
  branch(at: number, id: number, options: PlainGenerateOptions): Promise<void>;
  stop(): void;
}

/** How many of the most likely tokens are shown. */
const ALTERNATIVES = 10;
/** A text that is led another way near its end goes on for this many tokens. */
const FEWEST = 24;

export function createWriter(): Writer {
  const written = signal<Written | null>(null);
  const length = signal(0);
  const state = signal<WriterState>({ state: 'idle', end: '' });
  const rate = signal<number | null>(null);
  let current = new AbortController();

  const stop = (): void => {
    current.abort(new DOMException('stopped', 'AbortError'));
    if (state.value.state === 'writing' || state.value.state === 'loading')
      state.value = { state: 'idle', end: 'stopped' };
  };

  /** Adds to `tokens` what the model writes after `prompt`. */
  async function follow(
    text: Written & { tokens: WrittenToken[] },
    promptOf: (model: WorkerModel) => string | number[],
    options: PlainGenerateOptions,
  ): Promise<void> {
    stop();
    const mine = new AbortController();
    current = mine;
    const { signal: stopped } = mine;
    batch(() => {
      written.value = text;
      length.value = text.tokens.length;
      state.value = { state: 'loading' };
    });
    const { tokens } = text;
    let due = false;
    const showSoon = (): void => {
      if (due) return;
      due = true;
      requestAnimationFrame(() => {
        due = false;
        if (!stopped.aborted) length.value = tokens.length;
      });
    };
    let end = '';
    try {
      const generate = async (worker: LibraryWorker, model: WorkerModel): Promise<void> => {
        if (stopped.aborted) return;
        text.tokenizer = model.tokenizer;
        text.context = contextOf(model, text.prompt);
        state.value = { state: 'writing' };
        const before = tokens.length;
        const began = performance.now();
        const settings = {
          ...options,
          prompt: promptOf(model),
          topLogprobs: options.topLogprobs ?? alternativesOf(model),
        };
        for await (const event of worker.generate(model, { ...settings, signal: stopped })) {
          if (stopped.aborted) break;
          end = endOf(event) || end;
          if (event.type === 'start') Object.assign(text, beginningOf(event, text));
          else if (event.type === 'token') tokens.push(tokenOf(event));
          else if (event.text !== '') extendLast(tokens, event.text);
          showSoon();
          rate.value = rateOf(tokens.length - before, performance.now() - began);
        }
      };
      await inTurn((worker) => withModel(text.model, (model) => generate(worker, model)));
      if (!stopped.aborted) state.value = { state: 'idle', end };
    } catch (error) {
      if (!stopped.aborted)
        state.value = { state: 'failed', reason: error instanceof Error ? error.message : String(error) };
    }
    if (current === mine) length.value = tokens.length;
  }

  return {
    written,
    length,
    state,
    rate,
    stop,
    write: (model, prompt, options) =>
      follow(
        { model, prompt, start: null, unseen: 0, tokenizer: null, context: null, tokens: [] },
        () => prompt,
        options,
      ),
    async branch(at, id, options) {
      const text = written.value;
      const old = text?.tokens[at];
      const way = old?.top.find((other) => other.id === id);
      if (!text || !old || !way) return;
      const ids = [...text.tokens.slice(0, at).map((token) => token.id), id];
      const taken = { ...old, id, logprob: way.logprob, shade: shadeOf(way.logprob), chosen: true };
      const tokens = [...text.tokens.slice(0, at), taken];
      const promptOf = ({ tokenizer }: WorkerModel): number[] => {
        const head = headOf(text.prompt, tokens[0].held, tokenizer);
        spell(tokens, text.prompt, tokenizer);
        return [...(head.length > 0 || text.start === null ? head : [text.start]), ...ids];
      };
      const left = Math.max(FEWEST, (options.maxTokens ?? 0) - tokens.length);
      await follow({ ...text, tokens }, promptOf, { ...options, maxTokens: left, heal: false });
    },
  };
}

/**
 * What could stand in the place of a token: the most likely ones there, as long as they contain the end of
 * the prompt that the token contains.
 */
export function alternatives({ prompt, tokenizer }: Written, token: WrittenToken): WrittenToken['top'] {
  if (token.held === 0 || !tokenizer) return token.top;
  const kept = new TextEncoder().encode(prompt).slice(-token.held);
  return token.top.filter(({ id }) => kept.every((byte, i) => tokenizer.token(id)[i] === byte));
}

/** The end of the prompt that a token contains; empty for most. */
export function heldText({ prompt }: Written, { held }: WrittenToken): string {
  return held === 0 ? '' : new TextDecoder().decode(new TextEncoder().encode(prompt).slice(-held));
}

function alternativesOf({ config }: WorkerModel): number {
  return Math.min(ALTERNATIVES, config.vocabSize);
}

function contextOf({ config, tokenizer }: WorkerModel, prompt: string): Written['context'] {
  const { length } = tokenizer.encode(prompt, { otherSpecial: 'text' });
  return { size: config.blockSize, left: Math.max(0, config.blockSize - length) };
}

function beginningOf(event: StartEvent, { start }: Written): Pick<Written, 'start' | 'unseen'> {
  return { start: start ?? event.start ?? null, unseen: event.promptDropped };
}

function tokenOf({ id, text, logprob, top = [], held = 0 }: TokenEvent): WrittenToken {
  return { id, text, logprob, top, held, chosen: false, shade: shadeOf(logprob) };
}

/** The less likely a token was, the stronger: 0 for a certain one, 1 from a probability of one in 400 on. */
function shadeOf(logprob: number): number {
  return Math.min(1, -logprob / 6);
}

/** Text that was held back until the end belongs to the last token. */
function extendLast(tokens: WrittenToken[], text: string): void {
  const last = tokens.at(-1);
  if (last) last.text += text;
}

function endOf(event: GenerateEvent): string {
  if (event.type !== 'finish') return '';
  const words = { length: '', end: 'the text ends here', stop: 'ended at a stop text', aborted: 'stopped' };
  return words[event.reason];
}

function rateOf(tokens: number, milliseconds: number): number | null {
  return tokens < 2 ? null : (1000 * tokens) / milliseconds;
}

/** The tokens of the prompt before its last `held` bytes, which the first drawn token contains. */
function headOf(prompt: string, held: number, tokenizer: Tokenizer): number[] {
  const bytes = new TextEncoder().encode(prompt);
  return Array.from(tokenizer.encode(bytes.subarray(0, bytes.length - held), { otherSpecial: 'text' }));
}

/**
 * The text of each token, once one of them is another. Characters are shown with the token that ends them.
 */
function spell(tokens: WrittenToken[], prompt: string, tokenizer: Tokenizer): void {
  const decoder = tokenizer.stream();
  decoder.pushBytes(new TextEncoder().encode(prompt).slice(-3));
  for (const [i, token] of tokens.entries()) {
    const bytes = tokenizer.token(token.id);
    tokens[i] = { ...token, text: decoder.pushBytes(bytes.subarray(token.held)) };
  }
}
