// Makes the smaller copy of a model and compares both, in the worker. The copy stays in the worker until the
// next one, and in the browser once it is kept.
import { type ReadonlySignal, signal } from '@preact/signals';
import {
  type CompareReport,
  type DataRecord,
  type QuantizeOptions,
  quantizeFields,
  type Split,
  textRecord,
  type WorkerModel,
} from 'inkhorn';
import { opfsStore } from 'inkhorn/browser';
import { inTurn } from '../../engine.ts';
import { changed, freeName, persist } from '../../kept/files.ts';
import { forget, LIVE, openModel, SHIPPED, titleOf } from '../../kept/models.ts';
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
  before: WorkerModel;
  after: WorkerModel;
  data: DataRecord;
  report: CompareReport;
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
}

/** Quantises the model `of`, and compares the copy with it. */
export async function shrink(
  of: string,
  chosen: Chosen,
  { text, split, maxTokens }: Compared,
): Promise<void> {
  if (doing.value) throw new Error('a model is being shrunk: wait for it, or stop it');
  stopper = new AbortController();
  const { signal } = stopper;
  doing.value = { what: 'The text is encoded', done: 0, total: 1 };
  const tell = (what: string) => (done: number, total: number) => {
    doing.value = { what, done, total };
  };
  try {
    const before = await openModel(of);
    const bytes = await readText(text);
    const done = await inTurn(async (worker) => {
      const { data } = await worker.tokenize(bytes, {
        tokenizer: before.tokenizer,
        ...split,
        signal,
        onProgress: ({ done, total }) => tell('The text is encoded')(done, total),
      });
      const calibration = chosen.method === 'gptq' ? { calibration: data.train } : {};
      const onProgress = tell('Matrices are quantised');
      const after = await worker.quantize(before, { ...chosen, ...calibration, signal, onProgress });
      try {
        const report = await worker.compare(before, after, data, {
          ...{ maxTokens, signal },
          onProgress: (done, total, unit) =>
            tell(unit === 'tokens' ? 'Both models read the text' : 'Both models write, timed')(done, total),
        });
        return { after, report };
      } catch (error) {
        after.dispose();
        throw error;
      }
    });
    result.value?.after.dispose();
    const data = await textRecord(bytes, { name: text, ...split });
    result.value = { of, chosen, before, data, ...done, kept: null };
  } finally {
    doing.value = null;
  }
}

/** Keeps the copy: in the run that its original is of, else as a model of its own. */
export async function keep(): Promise<string> {
  const made = result.value;
  if (!made) throw new Error('there is no copy to keep: make one first');
  const { of, chosen, after, data, report } = made;
  const place = await placeOf(of, chosen.bits);
  const store = opfsStore(place);
  forget(place);
  await inTurn((worker) => worker.save(store, after));
  const comparison = { before: of, after: place, quantize: chosen, data, ...report, layers: [] };
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
