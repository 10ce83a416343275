// From logits to a token: logits are adjusted, become weights, pass a chain of small filters, and one is
// drawn. The exponentials are most of the time of a draw, so they are taken once. Read next: generate.ts.
import { complete, integer, number, type Table } from '../base/fields.ts';
import { largest } from '../base/largest.ts';
import { type Exponentials, scaledExp } from '../base/statistics.ts';

/** How the next token is chosen. Left out: drawn from the model's own distribution. */
export interface SamplingOptions {
  /**
   * Divides the logits: below 1 bolder, above 1 more varied; 0 always takes the most likely token. Default 1.
   */
  temperature?: number;
  /** Only the `topK` most likely tokens (Fan et al. 2018). Default: all. */
  topK?: number;
  /**
   * Only the smallest set of tokens that together have this probability (Holtzman et al. 2020). Default 1:
   * all.
   */
  topP?: number;
  /**
   * Only tokens at least this share as likely as the most likely one (Nguyen et al. 2024). Default 0: all.
   */
  minP?: number;
  /** Makes tokens of the context less likely (Keskar et al. 2019); 1.1 to 1.3 is usual. Default 1: off. */
  repetitionPenalty?: number;
}

/** Every sampling option. */
export const samplingFields: Table<SamplingOptions, keyof SamplingOptions> = {
  temperature: number({
    about: 'divides the logits; 0 always takes the most likely token',
    min: 0,
    default: 1,
  }),
  topK: integer({
    about: 'draw from the k most likely tokens only',
    hint: 'leave it out to draw from all',
    min: 1,
    noLimit: true,
    default: Number.POSITIVE_INFINITY,
  }),
  topP: number({
    about: 'draw from the smallest set of tokens with this probability only',
    hint: '1 draws from all',
    above: 0,
    max: 1,
    default: 1,
  }),
  minP: number({
    about: 'draw from tokens at least this share as likely as the most likely one only',
    hint: '0 draws from all',
    min: 0,
    below: 1,
    default: 0,
  }),
  repetitionPenalty: number({
    about: 'makes tokens of the context less likely',
    hint: '1 changes nothing, 1.1 to 1.3 is usual',
    above: 0,
    default: 1,
  }),
};

/** The sampling options, complete. Throws one line when one is unknown or out of range. */
export function checkSampling(options: SamplingOptions): Required<SamplingOptions> {
  return complete(samplingFields, options, 'sampling');
}

/** The next token, and ln of its probability by the unadjusted logits. */
export interface Sampled {
  id: number;
  logprob: number;
}

/**
 * Chooses the next token from `logits` [V]: the most likely one with temperature 0, else a draw with the
 * random number `u` in [0, 1). `context` are the tokens that the repetition penalty is about. Throws when a
 * logit is NaN or infinite, as those of a broken model are.
 */
export function sample(
  logits: Float32Array,
  options: Required<SamplingOptions>,
  context: Iterable<number>,
  u: number,
): Sampled {
  const plain = exponentials(logits);
  const id = nextToken(logits, options, context, u, plain);
  return { id, logprob: logits[id] - plain.logSum };
}

/**
 * The token that `sample` chooses, without its log-probability: no exponential is taken that the choice does
 * not need. `plain` are those of the logits, where they are known.
 */
export function nextToken(
  logits: Float32Array,
  options: Required<SamplingOptions>,
  context: Iterable<number>,
  u: number,
  plain?: Exponentials,
): number {
  if (!plain && options.repetitionPenalty !== 1) argmax(logits); // a penalty would make infinities finite
  const adjusted = adjust(logits, options, context);
  if (options.temperature === 0) return argmax(adjusted);
  const { weights } = plain && adjusted === logits ? plain : exponentials(adjusted);
  return draw(
    filters(options).reduce((x, filter) => filter(x), weights),
    u,
  );
}

/** The logits [V] after repetition penalty and temperature: the same array where neither is asked for. */
function adjust(
  logits: Float32Array,
  { repetitionPenalty, temperature }: Required<SamplingOptions>,
  context: Iterable<number>,
): Float32Array {
  const penalized = repetitionPenalty === 1 ? logits : penalizeRepetition(logits, context, repetitionPenalty);
  return temperature === 0 || temperature === 1 ? penalized : heat(penalized, temperature);
}

/**
 * Positive logits of the tokens in `context` are divided by `penalty`, negative ones multiplied: both become
 * less likely. Each token counts once, however often it occurs.
 */
export function penalizeRepetition(
  logits: Float32Array,
  context: Iterable<number>,
  penalty: number,
): Float32Array {
  const out = logits.slice();
  for (const id of context) out[id] = finite(logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty);
  return out;
}

/** The nearest float32 that is finite: with a huge or a tiny penalty a logit would not be. */
function finite(logit: number): number {
  return Math.max(-MOST_FLOAT, Math.min(logit, MOST_FLOAT));
}

/** The largest finite float32. */
const MOST_FLOAT = (2 - 2 ** -23) * 2 ** 127;

/**
 * (logits - max) / temperature, temperature > 0. Softmax does not see the shift; it keeps small temperatures
 * finite.
 */
export function heat(logits: Float32Array, temperature: number): Float32Array {
  const max = logits[argmax(logits)];
  const out = new Float32Array(logits.length);
  for (let id = 0; id < logits.length; id++) out[id] = (logits[id] - max) / temperature;
  return out;
}

/**
 * Weights [V] to weights [V]. A weight is a token's probability times any common factor, the same for all;
 * that of a token that is out of the question is 0. The input is left as it is.
 */
export type Filter = (weights: Float64Array) => Float64Array;

/** The filters that `options` ask for, in this order: top-k, top-p, min-p. */
export function filters({ topK, topP, minP }: Required<SamplingOptions>): Filter[] {
  const chain: Filter[] = [];
  if (topK < Number.POSITIVE_INFINITY) chain.push((x) => keepTopK(x, topK));
  if (topP < 1) chain.push((x) => keepTopP(x, topP));
  if (minP > 0) chain.push((x) => keepMinP(x, minP));
  return chain;
}

/** Keeps the k heaviest; all that are equal to the lightest of those stay too. */
export function keepTopK(weights: Float64Array, k: number): Float64Array {
  if (k >= weights.length) return weights;
  const ascending = weights.slice().sort();
  return keepAtLeast(weights, ascending[weights.length - k]);
}

/**
 * Keeps the most likely tokens until their probabilities add up to p; all that are equal to the last one stay
 * too.
 */
export function keepTopP(weights: Float64Array, p: number): Float64Array {
  return keepAtLeast(weights, lastNeeded(weights.slice(), p * total(weights)));
}

/**
 * Of `weights`, taken from the heaviest down until they add up to `mass`, the last. By quickselect (Hoare
 * 1961): only the part where it lies is divided further, in a few times n steps where sorting takes n log n.
 * Reorders `weights`.
 */
function lastNeeded(weights: Float64Array, mass: number): number {
  let from = 0;
  let to = weights.length; // it lies in from .. to, and what lies before weighs mass - missing
  let missing = mass;
  for (;;) {
    const pivot = weights[(from + to) >> 1];
    let heavier = from; // from .. heavier: above the pivot; heavier .. i: equal; lighter .. to: below
    let lighter = to;
    let sum = 0;
    for (let i = from; i < lighter; ) {
      const weight = weights[i];
      if (weight > pivot) {
        weights[i++] = weights[heavier];
        weights[heavier++] = weight;
        sum += weight;
      } else if (weight < pivot) {
        weights[i] = weights[--lighter];
        weights[lighter] = weight;
      } else i++;
    }
    const withEqual = sum + (lighter - heavier) * pivot;
    if (sum >= missing) to = heavier;
    else if (withEqual >= missing || lighter === to) return pivot;
    else {
      missing -= withEqual;
      from = lighter;
    }
  }
}

/** Keeps tokens whose probability is at least p times that of the most likely one. */
export function keepMinP(weights: Float64Array, p: number): Float64Array {
  let max = 0;
  for (const weight of weights) max = Math.max(max, weight);
  return keepAtLeast(weights, p * max);
}

function keepAtLeast(weights: Float64Array, least: number): Float64Array {
  const kept = new Float64Array(weights.length);
  for (let id = 0; id < weights.length; id++) if (weights[id] >= least) kept[id] = weights[id];
  return kept;
}

function total(weights: Float64Array): number {
  let sum = 0;
  for (let id = 0; id < weights.length; id++) sum += weights[id];
  return sum;
}

/** The first token whose cumulative probability exceeds `u` in [0, 1). */
export function draw(weights: Float64Array, u: number): number {
  const wanted = u * total(weights);
  let cumulative = 0;
  let last = 0;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id] === 0) continue;
    cumulative += weights[id];
    last = id;
    if (cumulative > wanted) break;
  }
  return last; // also where rounding leaves the sum a little below u
}

/** The index of the largest; the first among equals. Throws on NaN and Infinity. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 0; id < logits.length; id++) {
    if (!(logits[id] < Number.POSITIVE_INFINITY)) {
      throw new Error(
        `the logit of token ${id} is ${logits[id]}: the weights are broken, use an earlier checkpoint`,
      );
    }
    if (logits[id] > logits[best]) best = id;
  }
  return best;
}

/**
 * The exponentials of logits [V]: weights that are drawn by, and what log-probabilities are counted from.
 * Throws as `argmax`.
 */
export function exponentials(logits: Float32Array): Exponentials {
  return scaledExp(logits, logits[argmax(logits)]);
}

/**
 * The `n` tokens with the largest logits, most likely first, with their log-probabilities (natural
 * logarithm).
 */
export function mostLikely(logits: Float32Array, n: number): { id: number; logprob: number }[] {
  const { logSum } = exponentials(logits);
  return largest(logits, n).map((id) => ({ id, logprob: logits[id] - logSum }));
}
