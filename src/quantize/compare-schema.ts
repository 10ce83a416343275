// What compare.json says of two models. Read next: compare.ts.
import {
  array,
  integer,
  nullable,
  number,
  object,
  oneOf,
  otherwise,
  type Schema,
  string,
} from '../base/schema.ts';
import type { CompareReport, Loss } from './compare.ts';
import type { NoiseRatio } from './noise.ts';
import { type Bytes, type ParameterKind, parameterKinds } from './size.ts';
import type { Speed } from './speed.ts';

const count = integer({ min: 0 });
const loss = object<Loss>({ loss: number(), bitsPerByte: number() });
const noise = array(object<NoiseRatio>({ name: string, sqnrDb: nullable(number()) }));
const bytes = object<Bytes>({
  float32: count,
  bfloat16: otherwise(count, 0),
  int8: count,
  int4: otherwise(count, 0),
});

/** Comparisons of the first version know neither four bits nor bfloat16. */
export const compareReport: Schema<CompareReport> = object<CompareReport>({
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
});
