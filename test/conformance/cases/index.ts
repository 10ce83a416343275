import type { Case } from '../support.ts';
import { activationCases } from './activation.ts';
import { attentionCases } from './attention.ts';
import { crossEntropyCases } from './crossentropy.ts';
import { dropoutCases } from './dropout.ts';
import { elementwiseCases } from './elementwise.ts';
import { embeddingCases } from './embedding.ts';
import { int4Cases } from './int4.ts';
import { int8Cases } from './int8.ts';
import { matmulCases } from './matmul.ts';
import { mixCases } from './mix.ts';
import { normalisationCases } from './normalisation.ts';
import { optimizerCases } from './optimizers.ts';
import { shiftCases } from './shift.ts';
import { statisticsCases } from './statistics.ts';

/** Every case, by kernel family. */
export const families: Record<string, Case[]> = {
  elementwise: elementwiseCases,
  mix: mixCases,
  shift: shiftCases,
  matmul: matmulCases,
  embedding: embeddingCases,
  normalisation: normalisationCases,
  activation: activationCases,
  dropout: dropoutCases,
  attention: attentionCases,
  crossentropy: crossEntropyCases,
  optimizers: optimizerCases,
  statistics: statisticsCases,
  int8: int8Cases,
  int4: int4Cases,
};
