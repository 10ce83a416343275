// What `inkhorn inspect` does: looks at activations, attention and losses, says what it saw, and draws it.
// Read next: inspect/measure.ts, inspect/attention.ts.
import type { Backend } from '../backend/contract.ts';
import { type Attention, attentionMaps } from '../inspect/attention.ts';
import { measureTaps } from '../inspect/measure.ts';
import type { Store } from '../io/store.ts';
import { type Batch, windows } from '../model/batch.ts';
import { loadModel, type ModelFolder } from '../model/folder.ts';
import { attentionFigure, MAX_ATTENTION_TOKENS } from '../report/attention-plot.ts';
import { type Figure, writeFigure } from '../report/figure.ts';
import { formatCount, formatNumber, formatPercent } from '../report/format.ts';
import { activationLabel, activationsFigure, gradientsFigure, tapLabel } from '../report/histogram-plot.ts';
import { MAX_LOSS_TOKENS, type TokenLoss, tokenLossFigure } from '../report/token-loss-plot.ts';
import { printable } from '../tokenizer/index.ts';
import { randomBatch, splitTokens } from '../train/data.ts';
import { tokenLosses } from '../train/evaluate.ts';
import type { ProbeEvent } from '../train/events.ts';
import type { InspectFlags } from './commands/inspect.ts';
import { asked, misuse } from './errors.ts';
import { openMeasuredText, recordedData, splitOf } from './models.ts';
import type { Output } from './output.ts';
import { encodeText } from './special.ts';

/** What the command looks at. */
interface Subject {
  /** For the activations. */
  batch: Batch;
  /** For the attention and the loss of every token. */
  ids: Int32Array;
}

/** Looks, prints, and draws where `--out` says. */
export async function inspectModel(
  store: Store,
  backend: Backend,
  given: InspectFlags,
  output: Output,
): Promise<void> {
  const folder = await loadModel(store, { backend });
  const { model, tokenizer } = folder;
  const { activation } = model.config;
  const { batch, ids } = await subjectOf(given, folder, store, output);
  const probe = await measureTaps(model, batch);
  const attention = await attentionMaps(
    model,
    ids.subarray(0, Math.min(MAX_ATTENTION_TOKENS, model.config.blockSize)),
  );
  const losses = await lossPerToken(folder, ids);
  const labels = Array.from(ids.subarray(0, attention.tokens), (id) => tokenizer.decode([id]));
  const figures = [
    activationsFigure([probe], activation),
    gradientsFigure([probe], activation),
    attentionFigure({ ...attention, tokens: labels }),
    tokenLossFigure(losses),
  ].filter((figure) => figure !== null);
  const files = await writeFigures(given.out, figures);
  const { tokens, heads, layers } = attention;
  output.data({
    ...{ model: store.location, activation, taps: probe.taps },
    ...{ attention: { tokens, heads, layers, distances: lookBack(attention) }, losses, files },
  });
  showActivations(probe, activationLabel[activation], output);
  showAttention(attention, output);
  showLosses(losses, output);
  if (given.out === undefined) output.note('no pictures: --out DIR draws them');
  else output.print(`${given.out}: ${figures.map(({ name }) => name).join(', ')} (.png, .svg, .json)`);
}

async function subjectOf(
  given: InspectFlags,
  { model, tokenizer }: ModelFolder,
  store: Store,
  output: Output,
): Promise<Subject> {
  const { text: prompt, data, batchSize = 16, seed = 1337 } = given;
  const { blockSize: T } = model.config;
  const own = prompt === undefined ? null : encodeText(tokenizer, prompt, given);
  if (own !== null && own.length < 2)
    throw misuse(`--text has ${own.length} tokens: 2 or more are needed, for one to be predicted`);
  if (own !== null && own.length > limit(T)) {
    output.note(`--text has ${own.length} tokens: the first ${limit(T)} are shown, the context and one more`);
  }
  const start = own?.subarray(0, limit(T));
  if (start && data === undefined && (await recordedData(store)) === null) {
    return { batch: windows(start, [0], start.length - 1), ids: start };
  }
  const { corpus, record } = await openMeasuredText(data, store, output);
  const ids = await asked(() => tokenizer.encode(corpus.bytes, { allowedSpecial: 'all' }));
  const { val } = splitTokens(ids, splitOf(given, record));
  if (val.length < 2)
    throw misuse(`the validation part of ${corpus.source} has ${val.length} tokens: 2 or more are needed`);
  const batch =
    val.length > T ? randomBatch(val, batchSize, T, { seed, index: 0 }) : windows(val, [0], val.length - 1);
  return { batch, ids: start ?? val.subarray(0, Math.min(SHOWN, limit(T))) };
}

/** Tokens shown of a text that nobody chose: few enough for the attention maps to be labelled. */
const SHOWN = 24;

/** The longest text whose every token is predicted from all those before it. */
function limit(blockSize: number): number {
  return Math.min(blockSize + 1, MAX_LOSS_TOKENS);
}

async function lossPerToken({ model, tokenizer }: ModelFolder, ids: Int32Array): Promise<TokenLoss[]> {
  const losses = ids.length > 1 ? await tokenLosses(model, windows(ids, [0], ids.length - 1)) : [];
  return Array.from(ids, (id, i) => ({ text: tokenizer.decode([id]), loss: i === 0 ? null : losses[i - 1] }));
}

async function writeFigures(out: string | undefined, figures: readonly Figure[]): Promise<string[]> {
  const files: string[] = [];
  if (out !== undefined) for (const figure of figures) files.push(...(await writeFigure(out, figure)));
  return files;
}

function showActivations({ taps }: ProbeEvent, label: string, output: Output): void {
  output.print(output.colors.bold(`${label} of every block, ${formatCount(taps[0].windowTokens)} tokens`));
  const gradients = taps.every(({ gradient }) => gradient !== null);
  output.table(
    [
      ...['', 'outputs <= 0', 'dead units', 'mean', 'std'],
      ...(gradients ? ['gradient mean', 'gradient std'] : []),
    ],
    taps.map(({ name, zeroFraction, deadUnits, units, value, gradient }) => [
      ...[tapLabel(name), formatPercent(zeroFraction), `${deadUnits.length} of ${formatCount(units)}`],
      ...[value, ...(gradient ? [gradient] : [])].flatMap(({ mean, std }) => [mean, std].map(formatNumber)),
    ]),
  );
  if (!gradients) output.print('An INT8 model has no gradients.');
  output.print();
}

/** Mean distance, in tokens, at which each head of each block looks back: [layers][heads]. */
function lookBack({ layers, heads, tokens: T, probabilities }: Attention): number[][] {
  const distance = (layer: number, head: number): number => {
    const map = (layer * heads + head) * T * T;
    let sum = 0;
    for (let t = 0; t < T; t++) for (let s = 0; s < t; s++) sum += probabilities[map + t * T + s] * (t - s);
    return sum / T;
  };
  return Array.from({ length: layers }, (_, layer) =>
    Array.from({ length: heads }, (_, head) => distance(layer, head)),
  );
}

function showAttention(attention: Attention, output: Output): void {
  output.print(output.colors.bold(`How far each head looks back, mean over ${attention.tokens} tokens`));
  output.table(
    ['', ...Array.from({ length: attention.heads }, (_, head) => `head ${head}`)],
    lookBack(attention).map((row, layer) => [`block ${layer}`, ...row.map((x) => x.toFixed(1))]),
  );
  output.print();
}

const EXTREMES = 5;

function showLosses(tokens: readonly TokenLoss[], output: Output): void {
  const predicted = tokens.flatMap(({ text, loss }) => (loss === null ? [] : [{ text, loss }]));
  if (predicted.length === 0) return;
  const mean = predicted.reduce((sum, { loss }) => sum + loss, 0) / predicted.length;
  const sorted = predicted.toSorted((a, b) => b.loss - a.loss);
  const shown = Math.min(EXTREMES, Math.ceil(sorted.length / 2));
  const list = (some: typeof predicted): string =>
    some
      .map(({ text, loss }) => `${printable(new TextEncoder().encode(text))} ${loss.toFixed(2)}`)
      .join('   ');
  output.print(output.colors.bold(`Loss of ${predicted.length} tokens, mean ${mean.toFixed(3)} nats`));
  output.print(`hardest  ${list(sorted.slice(0, shown))}`);
  output.print(`easiest  ${list(sorted.slice(-shown).reverse())}\n`);
}
