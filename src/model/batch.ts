// A batch: windows of a text, with the token that follows each of their tokens.

/** Token ids by position: an `Int32Array`, or a file of which only what is asked for is read. */
export interface Tokens {
  readonly length: number;
  /** The ids from `from` up to `to`, not to be written to. */
  subarray(from: number, to: number): Int32Array;
}

/** Whether `value` is one of these; other typed arrays are not. */
export function isTokens(value: unknown): value is Tokens {
  const { subarray } = Object(value) as { subarray?: unknown };
  return value instanceof Int32Array || (typeof subarray === 'function' && !ArrayBuffer.isView(value));
}

/** The tokens from `begin` up to `end`, none of which is read or copied before it is asked for. */
export function partOf<T extends Tokens>(tokens: T, begin: number, end: number): T {
  if (tokens instanceof Int32Array) return tokens.subarray(begin, end) as Tokens as T;
  const part: Tokens = {
    length: end - begin,
    subarray: (from, to) => tokens.subarray(begin + Math.max(0, from), Math.min(end, begin + to)),
  };
  return part as T;
}

/** Tokens that are looked at in one go. */
const LOOK = 2 ** 16;

/** How often each id, all below `vocabSize`, occurs among the first `limit` of `tokens`; in order of ids. */
export function countTokens(
  tokens: Tokens,
  vocabSize: number,
  limit: number = tokens.length,
): Map<number, number> {
  const counts = new Float64Array(vocabSize);
  const all = Math.min(limit, tokens.length);
  for (let from = 0; from < all; from += LOOK)
    for (const id of tokens.subarray(from, Math.min(all, from + LOOK))) counts[id]++;
  return new Map([...counts.entries()].filter(([, count]) => count > 0));
}

/** Inputs and targets of a batch: `targets[i]` follows `ids[i]`. Both [B, T], row-major. */
export interface Batch {
  ids: Int32Array;
  targets: Int32Array;
  B: number;
  T: number;
}

/** The windows that start at `offsets`; their targets are one token further on. */
export function windows(ids: Tokens, offsets: readonly number[], T: number): Batch {
  const B = offsets.length;
  const batch = { ids: new Int32Array(B * T), targets: new Int32Array(B * T), B, T };
  offsets.forEach((at, b) => {
    const window = ids.subarray(at, at + T + 1);
    batch.ids.set(window.subarray(0, T), b * T);
    batch.targets.set(window.subarray(1), b * T);
  });
  return batch;
}

/** Windows of the same length. */
export interface Span {
  /** Where they start. */
  offsets: number[];
  /** Tokens of each. */
  T: number;
}

/**
 * Consecutive windows of T tokens over a text of `length` tokens, at most `sequences` at a time, so that
 * every token but the first is predicted once. The last window may be shorter. After about `maxTokens`
 * predictions, but at least one window, they end.
 */
export function* consecutive(
  length: number,
  T: number,
  { maxTokens, sequences }: { maxTokens: number; sequences: number },
): Generator<Span, void> {
  const whole = Math.floor((length - 1) / T);
  const rest = (length - 1) % T;
  const count = Math.min(whole, Math.max(1, Math.floor(maxTokens / T)));
  for (let first = 0; first < count; first += sequences) {
    const B = Math.min(sequences, count - first);
    yield { offsets: Array.from({ length: B }, (_, b) => (first + b) * T), T };
  }
  if (rest > 0 && count === whole && (whole === 0 || whole * T + rest <= maxTokens))
    yield { offsets: [whole * T], T: rest };
}

/** Sequences first .. first + count of a batch. */
export function sliceBatch(batch: Batch, first: number, count: number): Batch {
  const { T } = batch;
  const B = Math.min(count, batch.B - first);
  const cut = (x: Int32Array): Int32Array => x.subarray(first * T, (first + B) * T);
  return { ids: cut(batch.ids), targets: cut(batch.targets), B, T };
}
