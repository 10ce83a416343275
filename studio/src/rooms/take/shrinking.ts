// Makes the smaller copy of a model and compares both, in the worker. The copy stays in the worker until the
// next one, and in the browser once it is kept.
import { type ReadonlySignal, signal } from '@preact/signals';
import {
  type CompareReport,
  type DataRecord,
  type LayerErrors,
  type LibraryWorker,
  type QuantizeOptions,
  quantizeFields,
  type Split,
  textRecord,
  type WorkerModel,
} from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { inTurn, library } from '../../engine.ts';
import { changed, freeName, persist } from '../../kept/files.ts';
import { forget, LIVE, SHIPPED, titleOf, withModel } from '../../kept/models.ts';
import { readText } from '../../kept/texts.ts';
import { valueFrom } from '../../parts/option.tsx';

/** The options in the address, as `quantize` and the compare file have them. */
export type Chosen = Required<Pick<QuantizeOptions, 'bits' | 'activations' | 'exclude'>> &
  Pick<QuantizeOptions, 'groupSize' | 'method'>;

/** The names of the options, in the order of the form. */
export const OPTIONS = ['bits', 'groupSize', 'method', 'activations'] as const;

/** The options that the address says. Throws one line if one of them is wrong. */
export function chosenOptions(choice: (name: string) => string | null): Chosen {
  const value = <K extends (typeof OPTIONS)[number]>(name: K): NonNullable<QuantizeOptions[K]> => {
    const field = quantizeFields[name];
    const text = choice(name);
    const own = text === null ? field.default : valueFrom(name, field as never, text);
    return own as NonNullable<QuantizeOptions[K]>;
  };
  const bits = value('bits');
  const exclude = (choice('exclude') ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const both = { bits, activations: value('activations'), exclude };
  return bits === 4 ? { ...both, groupSize: value('groupSize'), method: value('method') } : both;
}

/** A copy and its comparison. */
export interface Shrunk {
  /** The name of the original in the address. */
  of: string;
  chosen: Chosen;
  after: WorkerModel;
  data: DataRecord;
  report: CompareReport;
  /** The noise in what each layer puts out. */
  layers: readonly LayerErrors[];
  /** What both go on with after `prompt`, with the same random numbers. */
  texts: { prompt: string; before: string; after: string };
  /** Where it is kept; null: not yet. */
  kept: string | null;
}

export interface Doing {
  what: string;
  done: number;
  total: number;
}

const result = signal<Shrunk | null>(null);
const doing = signal<Doing | null>(null);
export const shrunk: ReadonlySignal<Shrunk | null> = result;
export const shrinking: ReadonlySignal<Doing | null> = doing;

let stopper = new AbortController();

export function stopShrinking(): void {
  stopper.abort(new DOMException('stopped', 'AbortError'));
}

/** What a comparison reads. */
export interface Compared {
  /** The name of a text here. */
  text: string;
  /** How the run of the model split its text, if this is that text. */
  split: Partial<Split>;
  /** Number of validation tokens, about. */
  maxTokens: number;
  /** What both models go on with. */
  prompt: string;
}

/** Quantises the model `of`, and compares the copy with it. */
export async function shrink(of: string, chosen: Chosen, compared: Compared): Promise<void> {
  if (doing.value) throw new Error('a model is being shrunk: wait for it, or stop it');
  stopper = new AbortController();
  doing.value = { what: 'The text is encoded', done: 0, total: 1 };
  try {
    const bytes = await readText(compared.text);
    const made = await withModel(of, (before) => makeCopy(before, chosen, bytes, compared));
    result.value?.after.dispose();
    const data = await textRecord(bytes, { name: compared.text, ...compared.split });
    result.value = { of, chosen, data, ...made, kept: null };
  } finally {
    doing.value = null;
  }
}

async function makeCopy(
  before: WorkerModel,
  chosen: Chosen,
  bytes: Uint8Array,
  { split, maxTokens, prompt }: Compared,
): Promise<Pick<Shrunk, 'after' | 'report' | 'layers' | 'texts'>> {
  const { signal } = stopper;
  const tell = (what: string) => (done: number, total: number) => {
    doing.value = { what, done, total };
  };
  const { data } = await (await library()).tokenize(bytes, {
    tokenizer: before.tokenizer,
    ...split,
    signal,
    onProgress: ({ done, total }) => tell('The text is encoded')(done, total),
  });
  return inTurn(async (worker) => {
    const calibration = chosen.method === 'gptq' ? { calibration: data.train } : {};
    const onProgress = tell('Matrices are quantised');
    const after = await worker.quantize(before, { ...chosen, ...calibration, signal, onProgress });
    try {
      const report = await worker.compare(before, after, data, {
        ...{ maxTokens, signal },
        onProgress: (done, total, unit) =>
          tell(unit === 'tokens' ? 'Both models read the text' : 'Both models write, timed')(done, total),
      });
      signal.throwIfAborted();
      tell('The layers are measured')(0, 1);
      const { activations: _, ...stored } = chosen;
      const layers = await worker.compareLayers(before, after, data.train, stored);
      tell('Both models write')(0, 1);
      const texts = {
        prompt,
        before: await written(worker, before, prompt, signal),
        after: await written(worker, after, prompt, signal),
      };
      return { after, report, layers, texts };
    } catch (error) {
      after.dispose();
      throw error;
    }
  });
}

/** Tokens that each of both writes. */
const WRITTEN = 100;

async function written(
  worker: LibraryWorker,
  model: WorkerModel,
  prompt: string,
  signal: AbortSignal,
): Promise<string> {
  let text = '';
  const options = { prompt, maxTokens: WRITTEN, temperature: 0.8, seed: 1, signal };
  for await (const event of worker.generate(model, options)) text += event.text;
  signal.throwIfAborted();
  return text;
}

/** Keeps the copy: in the run that its original is of, else as a model of its own. */
export async function keep(): Promise<string> {
  const made = result.value;
  if (!made) throw new Error('there is no copy to keep: make one first');
  const { of, chosen, after, data, report, layers } = made;
  const place = await placeOf(of, chosen.bits);
  const store = opfsStore(place);
  forget(place);
  await (await library()).save(store, after);
  const comparison = { before: of, after: place, quantize: chosen, data, ...report, layers };
  await store.write('compare.json', new TextEncoder().encode(`${JSON.stringify(comparison, null, 1)}\n`));
  void persist();
  changed('runs');
  changed('models');
  result.value = { ...made, kept: place };
  return place;
}

async function placeOf(of: string, bits: number): Promise<string> {
  const [shelf, run] = of.split('/');
  if (shelf === 'runs') return `runs/${run}/int${bits}`;
  const title = of === SHIPPED ? 'shakespeare' : of === LIVE ? titleOf(of) : of.split('/').slice(1).join(' ');
  return `models/${await freeName('models', `${title} int${bits}`)}`;
}
