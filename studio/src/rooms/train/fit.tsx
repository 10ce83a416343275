// Whether a text is long enough for a model, said where the text is chosen: its tokens are counted before
// anybody starts.
import { checkDataset, type Dataset, type GPTConfig, type Tokenizer, type TokenizerTraining } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { library } from '../../engine.ts';
import { changes } from '../../kept/files.ts';
import { readText } from '../../kept/texts.ts';
import { configFor, type FineTuning, type Plan } from './plan.ts';

/** What is known of a text: why it cannot be trained on, or what will come of it. */
export interface Fit {
  problem: string | null;
  warning: string | null;
}

const FINE: Fit = { problem: null, warning: null };

/** A longer text is taken to be long enough: to cut it into tokens takes a second. */
const MOST_BYTES = 500_000;
/** Milliseconds that choices rest before tokens are counted. */
const REST_MS = 300;
/** A training part of fewer windows is nearly the same text in every step. */
const FEW_WINDOWS = 4;

/** How a text becomes tokens, and the shape of the model that reads them. `trained`: it cannot be changed. */
export interface Reader {
  tokenizer: TokenizerTraining | Tokenizer;
  configOf(vocabSize: number): GPTConfig;
  trained: boolean;
}

/** How the text is read by a new model; null while its options are wrong. */
export function readerOfPlan(plan: Plan): Reader | null {
  if (!plan.config) return null;
  return { tokenizer: plan.tokenizer, configOf: (size) => configFor(plan, size), trained: false };
}

/** How it is read by a model that goes on. */
export function readerOfBase({ base: { tokenizer }, config }: FineTuning): Reader | null {
  return config && { tokenizer, configOf: () => config, trained: true };
}

/** What is known of the text `name` so far. `key` changes with what the reader does. */
export function useFit(name: string, reader: Reader | null, key: string): Fit {
  const [fit, setFit] = useState(FINE);
  const version = changes.texts.value;
  useEffect(() => {
    setFit(FINE);
    if (!reader) return;
    const stopped = new AbortController();
    const timer = setTimeout(() => {
      void fitOf(name, reader, stopped.signal).then((found) => !stopped.signal.aborted && setFit(found));
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [name, key, reader === null, version]);
  return fit;
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

function fitOfTokens(data: Dataset, { configOf, trained }: Reader): Fit {
  const config = configOf(data.vocabSize);
  const { blockSize } = config;
  const [train, val] = [data.train.length, data.val.length];
  if (trained && train <= blockSize)
    return {
      ...FINE,
      problem: `its training part has ${tokens(train)}, a window of this model ${blockSize + 1}: take a longer text`,
    };
  checkDataset(data, config);
  if (train >= FEW_WINDOWS * blockSize) return FINE;
  const warning = `Its training part has ${tokens(train)}, a window of this model ${blockSize}: every step reads nearly the same words, which the model soon knows by heart, and the ${tokens(val)} of its validation part say little`;
  return { ...FINE, warning };
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
