// Similarity of the vectors of positions: what a model has learned about near and far.
import type { Drawing, Figure, Finding } from './figure.ts';
import { heatColors, levelOf, pixelMap, scaleBar } from './heat.ts';
import { BODY_TOP, line, MARGIN, picture, text, theme } from './svg.ts';
import type { Table } from './table.ts';

/** The similarity of the vectors of all positions. */
export interface Similarity {
  positions: number;
  /** Cosines, [positions, positions]. */
  cosines: ArrayLike<number>;
}

/** Largest side of the map. */
const SIDE = 512;
const AXIS = 44;

/** `position-similarity`: the cosine of every pair of positions; blue similar, orange opposite. */
export function similarityFigure({ positions: T, cosines }: Similarity, { charts }: Drawing): Figure {
  const cell = SIDE / T;
  const colors = heatColors('diverging', charts);
  const [x, y] = [MARGIN + AXIS, BODY_TOP + 48];
  const level = (row: number, column: number): number => levelOf((1 + cosines[row * T + column]) / 2);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * (T - 1)));
  const muted = { size: 10, fill: theme.muted } as const;
  const body = [
    scaleBar(
      MARGIN,
      BODY_TOP,
      'cosine',
      colors,
      [-1, -0.5, 0, 0.5, 1].map((c) => [(1 + c) / 2, String(c).replace('-', '−')] as const),
    ),
    pixelMap({ x, y, cell }, T, () => T, level, colors),
    ...ticks.map((t) => {
      const at = (t + 0.5) * cell;
      return [
        line(x - 4, y + at, x, y + at, theme.muted),
        text(x - 8, y + at + 3.5, String(t), { ...muted, anchor: 'end' }),
        line(x + at, y + SIDE, x + at, y + SIDE + 4, theme.muted),
        text(x + at, y + SIDE + 16, String(t), { ...muted, anchor: 'middle' }),
      ].join('');
    }),
    text(x + SIDE / 2, y + SIDE + 36, 'position', { anchor: 'middle' }),
    text(MARGIN + 8, y + SIDE / 2, 'position', { anchor: 'middle', rotate: -90 }),
  ];
  const title = 'Position embeddings';
  const svg = picture({
    title,
    subtitle: 'how alike the vectors of two positions are: blue the same direction, orange the opposite',
    width: 2 * MARGIN + AXIS + SIDE + 24,
    height: y + SIDE + 56,
    body,
  });
  return { name: 'position-similarity', title, svg, data: { positions: T, cosines: Array.from(cosines) } };
}

/** Mean cosine of positions at a given distance. */
export interface AtDistance {
  distance: number;
  cosine: number;
}

/** At distances 1, 2, 4, ... */
export function similarityByDistance({ positions: T, cosines }: Similarity): AtDistance[] {
  const result: AtDistance[] = [];
  for (let distance = 1; distance < T; distance *= 2) {
    let sum = 0;
    for (let t = distance; t < T; t++) sum += cosines[t * T + t - distance];
    result.push({ distance, cosine: sum / (T - distance) });
  }
  return result;
}

/** One column per distance. */
export function positionsTable(found: Similarity): Table {
  const some = similarityByDistance(found);
  return {
    title: 'How alike positions are, by their distance (mean cosine)',
    columns: some.map(({ distance }) => String(distance)),
    rows: [some.map(({ cosine }) => cosine.toFixed(2).replace('-0.00', '0.00'))],
  };
}

/** `position-similarity` */
export const positionsFinding: Finding<Similarity> = {
  title: 'Position embeddings',
  about: 'How alike the vectors of two positions are.',
  tables: (found) => [positionsTable(found)],
  figures: (found, drawing) => [similarityFigure(found, drawing)],
};
