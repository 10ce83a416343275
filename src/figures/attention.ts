// Which token attends to which: the attention probabilities of one prompt, one map per head, a row of maps
// per layer.

import { textColumns } from '../base/columns.ts';
import { formatAmount } from '../base/format.ts';
import { shortLine } from '../base/visible.ts';
import type { Drawing, Figure, Finding } from './figure.ts';
import { heatColors, levelOf, pixelMap, scaleBar } from './heat.ts';
import { BODY_TOP, MARGIN, picture, text, theme } from './svg.ts';

/** Attention probabilities of one prompt. */
export interface AttentionMaps {
  /** Text of each of the T tokens. */
  tokens: readonly string[];
  layers: number;
  heads: number;
  /** [layers, heads, T, T]: row t sums to 1 over the tokens s <= t that t attends to. */
  probabilities: ArrayLike<number>;
}

/** The most tokens: with more, each would be smaller than a pixel. */
export const MAX_ATTENTION_TOKENS = 128;
const GAP = 16;
/** The most characters of a token's label. */
const LABEL = 11;
/** Width of a letter of a label. */
const LETTER = 6.1;

/**
 * Draws `attention`: a row per query, a column per key, colour by the square root of the probability, so that
 * small probabilities are visible. Throws if the number of values does not fit the shape, or there are more
 * than MAX_ATTENTION_TOKENS tokens.
 */
export function attentionFigure(maps: AttentionMaps, { charts }: Drawing): Figure {
  const { tokens, layers, heads, probabilities } = maps;
  const T = tokens.length;
  if (T === 0 || T > MAX_ATTENTION_TOKENS) {
    throw new Error(
      `cannot draw the attention of ${T} tokens: give a prompt of 1 to ${MAX_ATTENTION_TOKENS}`,
    );
  }
  if (probabilities.length !== layers * heads * T * T) {
    throw new Error(
      `${probabilities.length} probabilities do not fit ${layers} layers of ${heads} heads over ${T} tokens`,
    );
  }
  const cell = Math.min(16, Math.max(2, Math.floor(240 / T)));
  const side = cell * T;
  const labels = cell >= 10 ? tokens.map((token) => shortLine(token, LABEL)) : [];
  const longest = Math.max(0, ...labels.map(textColumns));
  const corner = labels.length > 0 ? 34 + LETTER * longest : 44;
  const [left, top] = [MARGIN + corner, BODY_TOP + 62];
  const colors = heatColors('blues', charts);
  const ticks = [0, 0.01, 0.1, 0.25, 0.5, 1].map((p) => [Math.sqrt(p), String(p)] as const);
  const body = [scaleBar(MARGIN, BODY_TOP, 'probability', colors, ticks)];
  for (let head = 0; head < heads; head++) {
    const x = left + head * (side + GAP);
    body.push(text(x + side / 2, top - 8, `head ${head}`, { anchor: 'middle', fill: theme.muted }));
    for (const [t, label] of labels.entries()) {
      const [labelX, labelY] = [x + (t + 0.5) * cell + 4, top + layers * (side + GAP) - 4];
      body.push(text(labelX, labelY, label, { size: 10, anchor: 'end', mono: true, rotate: -90 }));
    }
  }
  for (let layer = 0; layer < layers; layer++) {
    const y = top + layer * (side + GAP);
    body.push(
      text(MARGIN + 12, y + side / 2, `block ${layer}`, { anchor: 'middle', fill: theme.muted, rotate: -90 }),
    );
    for (const [t, label] of labels.entries()) {
      body.push(text(left - 6, y + (t + 0.5) * cell + 3.5, label, { size: 10, anchor: 'end', mono: true }));
    }
    for (let head = 0; head < heads; head++) {
      const from = (layer * heads + head) * T * T;
      const place = { x: left + head * (side + GAP), y, cell };
      const level = (t: number, s: number): number => levelOf(Math.sqrt(probabilities[from + t * T + s]));
      body.push(pixelMap(place, T, (t) => t + 1, level, colors));
    }
  }
  const title = 'Attention';
  const svg = picture({
    title,
    subtitle: `${formatAmount(T, 'token')}; each row of a map is one token, its colours are the tokens it attends to`,
    width: Math.max(left + heads * (side + GAP) - GAP + MARGIN, 640),
    height: top + layers * (side + GAP) + (labels.length > 0 ? LETTER * longest + 12 : MARGIN),
    body,
  });
  return {
    name: 'attention',
    title,
    svg,
    data: { tokens, layers, heads, probabilities: Array.from(probabilities) },
  };
}

/** `attention` */
export const attentionFinding: Finding<AttentionMaps> = {
  title: 'Attention',
  about: 'Which tokens each token of a text attends to, in every head.',
  tables: () => [], // the table of the heads has the numbers
  figures: (maps, drawing) =>
    maps.tokens.length <= MAX_ATTENTION_TOKENS ? [attentionFigure(maps, drawing)] : [],
};
