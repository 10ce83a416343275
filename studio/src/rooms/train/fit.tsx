// Whether a text is long enough for a model, said where the text is chosen: its tokens are counted before
// anybody starts.
import { checkDataset, type Dataset, type GPTConfig, type Tokenizer, type TokenizerTraining } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { library } from '../../engine.ts';
import { changes } from '../../kept/files.ts';
import { readText } from '../../kept/texts.ts';
import { configFor, type FineTuning, isSampled, type Plan } from './plan.ts';

/** What is known of a text: why it cannot be trained on, or what will come of it. */
export interface Fit {
  /** Whether that is all: its tokens are counted, or it is long. */
  known: boolean;
  problem: string | null;
  warning: string | null;
  /** What the model that reads it will have; null where that is not known, or what was wanted. */
  sizes: Sizes | null;
}

type Sizes = Pick<GPTConfig, 'vocabSize' | 'blockSize'>;

const UNKNOWN: Fit = { known: false, problem: null, warning: null, sizes: null };
const FINE: Fit = { ...UNKNOWN, known: true };

/** A longer text is taken to be long enough: to cut it into tokens takes a second. */
const MOST_BYTES = 500_000;
/** Milliseconds that choices rest before tokens are counted. */
const REST_MS = 300;
/** A training part of fewer windows is nearly the same text in every step. */
const FEW_WINDOWS = 4;

/** How a text becomes tokens, and the shape of the model that reads them. */
export interface Reader {
  tokenizer: TokenizerTraining | Tokenizer;
  configOf(data: Dataset): GPTConfig;
  /** What a new model would be; null for one that is trained, which a text does not change. */
  wanted: Sizes | null;
  /** Another one where anything above is another. */
  key: string;
}

/** How the text is read by a new model; null while its options are wrong. */
export function readerOfPlan(plan: Plan): Reader | null {
  const { tokenizer, config, values, changed } = plan;
  if (!config) return null;
  const { blockSize } = config;
  return {
    tokenizer,
    configOf: (data) => configFor(plan, data),
    wanted: { vocabSize: tokenizer.vocabSize, blockSize },
    key: JSON.stringify([tokenizer, blockSize, changed.has('blockSize'), isSampled(values)]),
  };
}

/** How it is read by a model that goes on. */
export function readerOfBase({ base: { tokenizer, name }, config }: FineTuning): Reader | null {
  return config && { tokenizer, configOf: () => config, wanted: null, key: name };
}

/**
 * What is known of the text `name` so far. It stays while the same is found out again, since a text was
 * brought or deleted.
 */
export function useFit(name: string, reader: Reader | null): Fit {
  const [found, setFound] = useState({ of: '', fit: UNKNOWN });
  const version = changes.texts.value;
  const of = JSON.stringify([name, reader?.key]);
  useEffect(() => {
    if (!reader) return;
    const stopped = new AbortController();
    const timer = setTimeout(() => {
      void fitOf(name, reader, stopped.signal).then(
        (fit) => !stopped.signal.aborted && setFound({ of, fit }),
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [of, version]);
  return found.of === of && reader ? found.fit : UNKNOWN;
}

async function fitOf(name: string, reader: Reader, signal: AbortSignal): Promise<Fit> {
  try {
    const bytes = await readText(name);
    if (bytes.length > MOST_BYTES) return FINE;
    const { tokenizer } = reader;
    const { data } = await (await library()).tokenize(bytes, { tokenizer, signal });
    return fitOfTokens(data, reader);
  } catch (error) {
    return { ...FINE, problem: error instanceof Error ? error.message : String(error) };
  }
}

function fitOfTokens(data: Dataset, { configOf, wanted }: Reader): Fit {
  const config = configOf(data);
  const { vocabSize, blockSize } = config;
  const [train, val] = [data.train.length, data.val.length];
  if (!wanted && train <= blockSize)
    return {
      ...FINE,
      problem: `its training part has ${tokens(train)}, a window of this model ${blockSize + 1}: take a longer text`,
    };
  checkDataset(data, config);
  const lines = wanted ? smaller({ vocabSize, blockSize }, wanted) : [];
  if (train < FEW_WINDOWS * blockSize)
    lines.push(
      `Its training part has ${tokens(train)}, a window of this model ${blockSize}: every step reads nearly the same words, which the model soon knows by heart, and the ${tokens(val)} of its validation part say little`,
    );
  return { ...FINE, warning: lines.length > 0 ? lines.join('. ') : null, sizes: { vocabSize, blockSize } };
}

/** What a short text makes smaller, as the command line does. */
function smaller({ vocabSize, blockSize }: Sizes, wanted: Sizes): string[] {
  const parts: string[] = [];
  if (vocabSize < wanted.vocabSize)
    parts.push(`a vocabulary of ${tokens(vocabSize)}, not ${wanted.vocabSize}`);
  if (blockSize < wanted.blockSize) parts.push(`a context of ${tokens(blockSize)}, not ${wanted.blockSize}`);
  return parts.length > 0 ? [`The text is short: ${parts.join(', and ')}`] : [];
}

/** The line below a text that is chosen. */
export function FitLine({ text, fit: { problem, warning } }: { text: string; fit: Fit }): VNode | null {
  if (problem !== null)
    return (
      <p class="bad fit" id="text-fit" role="alert">
        {text} cannot be trained on: {problem}
      </p>
    );
  return warning === null ? null : (
    <p class="warning fit" role="status">
      {warning}.
    </p>
  );
}

function tokens(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'token' : 'tokens'}`;
}
