// Requests share one model: their choices wait in turn, and are written a token at a time, all of them in
// each step. Read next: ../generate/batch.ts.
import { type Batch, type BatchText, createBatch } from '../generate/batch.ts';
import type { Overflow } from '../generate/context.ts';
import type { GPT } from '../model/gpt.ts';

/** A choice to be written. */
export interface Job {
  /** The tokens to go on from, at least one. */
  readonly ids: readonly number[];
  /** The tokens after each of which logits are wanted; null: none. */
  readonly scored: readonly number[] | null;
  /** The most tokens to draw. */
  readonly maxTokens: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Gets the logits [T, V] after each of `scored`, or null: before anything is drawn. */
  begin(logits: Float32Array | null): void;
  /** Draws a token from its logits [V]. Null: it was the last. */
  next(logits: Float32Array, visible: readonly number[]): number | null;
  /** It has ended: by itself, or by an error. Called once. */
  end(error?: unknown): void;
}

/** Limits of a scheduler. */
export interface ScheduleLimits {
  /** Choices that are written at once. */
  streams: number;
  /** Choices that may wait. */
  queue: number;
  overflow: Overflow;
}

/** The choices of one model. */
export interface Schedule {
  /** Takes the choices of a request; false, and none is taken, where too many wait. */
  submit(jobs: readonly Job[]): boolean;
  /** Choices that are being written, and that wait. */
  readonly load: { writing: number; waiting: number };
  /** Frees the memory, once nothing is being written any more. */
  dispose(): Promise<void>;
}

/** A choice that is being written, with the token that it reads next. */
interface Active {
  job: Job;
  text: BatchText;
  id: number;
}

export function createSchedule(model: GPT, { streams, queue, overflow }: ScheduleLimits): Schedule {
  const batch: Batch = createBatch(model, streams, overflow);
  let waiting: Job[][] = []; // one list for each request
  let active: Active[] = [];
  let running = false;

  const waitingNow = (): number => waiting.reduce((sum, jobs) => sum + jobs.length, 0);

  /** Ends what was given up, and what `failed` says. */
  function sweep(): void {
    for (const jobs of waiting) for (const job of jobs) if (job.signal.aborted) job.end(job.signal.reason);
    waiting = waiting
      .map((jobs) => jobs.filter(({ signal }) => !signal.aborted))
      .filter((jobs) => jobs.length > 0);
    for (const one of active) if (one.job.signal.aborted) finish(one, one.job.signal.reason);
  }

  function finish(one: Active, error?: unknown): void {
    batch.end(one.text);
    active = active.filter((other) => other !== one);
    one.job.end(error);
  }

  /** Reads the prompt of the next choice, request by request in turn. */
  async function admit(): Promise<void> {
    const jobs = waiting[0];
    const job = jobs?.[0];
    if (!job || (job.maxTokens > 1 && batch.room === 0)) return;
    jobs.shift();
    waiting.shift();
    if (jobs.length > 0) waiting.push(jobs);
    let text: BatchText | null = null;
    try {
      const { ids, scored, maxTokens } = job;
      const grow = maxTokens > 1;
      const once = scored?.length === ids.length;
      const first = scored && !once ? await batch.read(scored, { grow: false, all: true }) : null;
      const read = maxTokens > 0 || once ? await batch.read(ids, { grow, all: once }) : null;
      text = read?.text ?? null;
      job.begin((once ? read : first)?.logits ?? null);
      if (!read || maxTokens === 0) return job.end();
      const V = model.config.vocabSize;
      const visible = ids.slice(-model.config.blockSize);
      const id = job.next(read.logits.subarray(read.logits.length - V), visible);
      if (id === null || !text) {
        if (text) batch.end(text);
        return job.end();
      }
      active.push({ job, text, id });
    } catch (error) {
      if (text) batch.end(text);
      job.end(error);
    }
  }

  /** A token for every choice. Of those whose window moves, which takes long, only one in a step. */
  async function step(): Promise<void> {
    const moving = active.find(({ text }) => batch.isFull(text));
    const now = active.filter((one) => one === moving || !batch.isFull(one.text));
    if (moving) active = [...active.filter((one) => one !== moving), moving];
    const found = await batch.step(new Map(now.map(({ text, id }) => [text, id])));
    for (const one of now) {
      if (one.job.signal.aborted) continue;
      try {
        const logits = found.get(one.text) as Float32Array;
        const id = one.job.next(logits, one.text.visible);
        if (id === null) finish(one);
        else one.id = id;
      } catch (error) {
        finish(one, error);
      }
    }
  }

  async function run(): Promise<void> {
    running = true;
    try {
      for (sweep(); active.length > 0 || waiting.length > 0; sweep()) {
        await admit();
        if (active.length > 0) await step();
        await new Promise((resolve) => setImmediate(resolve)); // sockets are served
      }
    } catch (error) {
      for (const one of [...active]) finish(one, error); // the engine has failed
    } finally {
      running = false;
      if (waiting.length > 0) void run();
    }
  }

  return {
    submit(jobs) {
      if (waitingNow() + jobs.length > queue + batch.room) return false;
      waiting.push([...jobs]);
      if (!running) void run();
      return true;
    },
    get load() {
      return { writing: active.length, waiting: waitingNow() };
    },
    async dispose() {
      while (running) await new Promise((resolve) => setTimeout(resolve, 5));
      batch.dispose();
    },
  };
}
