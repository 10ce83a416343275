// Who looks at whom: the attention probabilities of one prompt, one map per head, a row of maps per layer.
import * as Plot from '@observablehq/plot';
import type { Figure } from './figure.ts';
import { visibleToken } from './format.ts';
import { BODY_TOP, line, MARGIN, picture, rect, text, theme } from './svg.ts';

/** Attention probabilities of one prompt. */
export interface AttentionMaps {
  /** Text of each of the T tokens. */
  tokens: readonly string[];
  layers: number;
  heads: number;
  /** [layers, heads, T, T]: row t sums to 1 over the tokens s <= t that t attends to. */
  probabilities: Float32Array;
}

/** More tokens than this would be smaller than a pixel each. */
export const MAX_ATTENTION_TOKENS = 128;
const GAP = 16;
/** Steps of the colour scale: enough to look continuous, few enough that equal neighbours share one path. */
const LEVELS = 32;
const CORNER = 96;

/**
 * Draws `attention`: queries downwards, keys to the right, colour by the square root of the probability, so that weak links
 * show too. Throws if the number of values does not fit the shape, or there are more than MAX_ATTENTION_TOKENS tokens.
 */
export function attentionFigure(maps: AttentionMaps): Figure {
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
  const labels = cell >= 10 ? tokens.map(tokenLabel) : [];
  const corner = labels.length > 0 ? CORNER : 44;
  const [left, top] = [MARGIN + corner, BODY_TOP + 62];
  const body = [scaleBar(MARGIN, BODY_TOP)];
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
      text(MARGIN + 12, y + side / 2, `layer ${layer}`, { anchor: 'middle', fill: theme.muted, rotate: -90 }),
    );
    for (const [t, label] of labels.entries()) {
      body.push(text(left - 6, y + (t + 0.5) * cell + 3.5, label, { size: 10, anchor: 'end', mono: true }));
    }
    for (let head = 0; head < heads; head++) {
      const from = (layer * heads + head) * T * T;
      body.push(heatMap(probabilities.subarray(from, from + T * T), T, cell, left + head * (side + GAP), y));
    }
  }
  const title = 'Attention';
  const svg = picture({
    title,
    subtitle: `${T} tokens; each row of a map is one token, its colours are the tokens it attends to`,
    width: Math.max(left + heads * (side + GAP) - GAP + MARGIN, 640),
    height: top + layers * (side + GAP) + (labels.length > 0 ? corner - 10 : MARGIN),
    body,
  });
  return {
    name: 'attention',
    title,
    svg,
    data: { tokens, layers, heads, probabilities: Array.from(probabilities) },
  };
}

/** What fits into the corner: 11 characters. */
function tokenLabel(token: string): string {
  const characters = [...visibleToken(token)];
  return characters.length > 11 ? `${characters.slice(0, 10).join('')}…` : characters.join('');
}

/** Pale to dark: dark is strong, and nothing at all is the paper. */
function colors(): string[] {
  const scale = Plot.scale({ color: { type: 'linear', scheme: 'blues', domain: [0, 1] } });
  return Array.from({ length: LEVELS }, (_, i) => String(scale.apply(0.06 + (0.94 * i) / (LEVELS - 1))));
}

/** One map, rows [T, T]: a path per colour, of runs of equal neighbours. */
function heatMap(rows: Float32Array, T: number, cell: number, x: number, y: number): string {
  const paths = new Array<string>(LEVELS).fill('');
  for (let t = 0; t < T; t++) {
    for (let s = 0; s <= t; ) {
      const level = levelOf(rows[t * T + s]);
      let end = s + 1;
      while (end <= t && levelOf(rows[t * T + end]) === level) end++;
      paths[level] += `M${s} ${t}h${end - s}v1h${s - end}z`;
      s = end;
    }
  }
  const drawn = colors().map((color, level) =>
    paths[level] ? `<path fill="${color}" d="${paths[level]}"/>` : '',
  );
  return `<g transform="translate(${x} ${y}) scale(${cell})" shape-rendering="crispEdges">${drawn.join('')}</g>`;
}

function levelOf(probability: number): number {
  return Math.min(LEVELS - 1, Math.floor(Math.sqrt(Math.max(0, probability)) * LEVELS));
}

function scaleBar(x: number, y: number): string {
  const [width, height] = [240, 10];
  const parts = [text(x, y + 9, 'probability', { fill: theme.muted })];
  const start = x + 84;
  for (const [i, color] of colors().entries())
    parts.push(rect(start + (i * width) / LEVELS, y, width / LEVELS + 0.5, height, color));
  for (const p of [0, 0.01, 0.1, 0.25, 0.5, 1]) {
    const at = start + width * Math.sqrt(p);
    parts.push(line(at, y + height, at, y + height + 3, theme.muted));
    parts.push(text(at, y + height + 14, String(p), { size: 10, anchor: 'middle', fill: theme.muted }));
  }
  return parts.join('');
}
