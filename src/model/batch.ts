// A batch: windows of a text, with the token that follows each of their tokens.

/** Inputs and targets of a batch: `targets[i]` follows `ids[i]`. Both [B, T], row-major. */
export interface Batch {
  ids: Int32Array;
  targets: Int32Array;
  B: number;
  T: number;
}

/** The windows that start at `offsets`; their targets are one token further on. */
export function windows(ids: Int32Array, offsets: readonly number[], T: number): Batch {
  const B = offsets.length;
  const batch = { ids: new Int32Array(B * T), targets: new Int32Array(B * T), B, T };
  offsets.forEach((at, b) => {
    batch.ids.set(ids.subarray(at, at + T), b * T);
    batch.targets.set(ids.subarray(at + 1, at + 1 + T), b * T);
  });
  return batch;
}

/** Sequences first .. first + count of a batch. */
export function sliceBatch(batch: Batch, first: number, count: number): Batch {
  const { T } = batch;
  const B = Math.min(count, batch.B - first);
  const cut = (x: Int32Array): Int32Array => x.subarray(first * T, (first + B) * T);
  return { ids: cut(batch.ids), targets: cut(batch.targets), B, T };
}
