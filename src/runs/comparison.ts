// `compare.json`: the comparison of a quantised copy with its original model. Read next:
// ../quantize/compare.ts.
import {
  array,
  integer,
  nullable,
  number,
  object,
  oneOf,
  optional,
  otherwise,
  record,
  type Schema,
  string,
} from '../base/schema.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import type { CompareReport, Loss } from '../quantize/compare.ts';
import type { LayerErrors } from '../quantize/layer-errors.ts';
import type { NoiseRatio } from '../quantize/noise.ts';
import type { QuantizeOptions } from '../quantize/quantize.ts';
import { type Bytes, type ParameterKind, parameterKinds } from '../quantize/size.ts';
import type { Speed } from '../quantize/speed.ts';
import type { DataRecord } from './data-record.ts';
import { COMPARISON_FILE, COPIES } from './layout.ts';

const count = integer({ min: 0 });
const loss = object<Loss>({ loss: number(), bitsPerByte: number() });
const noise = array(object<NoiseRatio>({ name: string, sqnrDb: nullable(number()) }));
const bytes = object<Bytes>({
  float32: count,
  bfloat16: otherwise(count, 0),
  int8: count,
  int4: otherwise(count, 0),
});

/** The contents of `compare.json`. */
export interface Comparison extends CompareReport {
  before: string;
  after: string;
  /** How the copy was made. */
  quantize: Pick<QuantizeOptions, 'bits' | 'groupSize' | 'method' | 'activations' | 'exclude'>;
  data: DataRecord;
  layers: LayerErrors[];
}

/** The part that reports of the run show. */
export type SavedComparison = CompareReport & Partial<Pick<Comparison, 'layers'>>;

/** Comparisons of the first version have neither INT4 nor bfloat16. */
const comparisonFile: Schema<SavedComparison> = object<SavedComparison>({
  formats: object({ before: string, after: string }),
  parameters: object<CompareReport['parameters']>({
    kinds: array(
      object({ kind: oneOf(...parameterKinds) as Schema<ParameterKind>, before: bytes, after: bytes }),
    ),
    before: count,
    after: count,
    ratio: number({ above: 0 }),
  }),
  validation: object<CompareReport['validation']>({
    tokens: integer({ min: 1 }),
    blockSize: integer({ min: 1 }),
    before: loss,
    after: loss,
    kl: number(),
    top1: number({ min: 0, max: 1 }),
  }),
  weights: noise,
  outputs: noise,
  speed: nullable(
    object<Speed>({ before: number({ above: 0 }), after: number({ above: 0 }), method: string }),
  ),
  layers: optional(array(object<LayerErrors>({ name: string, sqnrDb: record(nullable(number())) }))),
});

/** The comparisons in the folders of the run in `store`, by the name of the folder. */
export async function readComparisons(store: Store): Promise<ReadonlyMap<string, SavedComparison>> {
  const found = new Map<string, SavedComparison>();
  const names = store.folders ? await store.folders() : [...COPIES].sort();
  for (const name of names) {
    const folder = store.folder(name);
    if (await folder.exists(COMPARISON_FILE))
      found.set(name, await readJsonFile(folder, COMPARISON_FILE, comparisonFile));
  }
  return found;
}
