// The names of a model's parts in pictures and tables.

import type { Activation } from '../backend/contract.ts';
import { formatPercent } from '../base/format.ts';
import { visibleLine } from '../base/visible.ts';
import { blockLabel } from '../model/names.ts';
import { isTap } from '../model/taps.ts';

/** The name of each activation function. */
export const activationLabel: Record<Activation, string> = {
  relu: 'ReLU',
  gelu: 'GELU',
  relu2: 'ReLU²',
  silu: 'SiLU',
  'gelu-tanh': 'GELU (tanh)',
};

/** `blocks.3.mlp.act` -> `block 3`; other names stay as they are. */
export function tapLabel(name: string): string {
  return isTap(name, 'mlp.act') ? blockLabel(name) : name;
}

/** `blocks.3.out` -> `block 3`; other names stay as they are. */
export function layerLabel(name: string): string {
  return isTap(name, 'out') ? blockLabel(name) : name;
}

/** `th 31.0 %   a 12.1 %` */
export function choicesLine(some: readonly { text: string; probability: number }[]): string {
  return some
    .map(({ text, probability }) => `${visibleLine(text)} ${formatPercent(probability)}`)
    .join('   ');
}
