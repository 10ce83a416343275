// Paints attention maps: a row per token, the darker the more it attends to the token of the column. Colour
// by the square root, so that small probabilities are visible.
import type { AttentionMaps } from 'inkhorn';

/** The attention probabilities of one head, [T, T]. */
export function headOf({ heads, tokens, probabilities }: AttentionMaps, index: HeadIndex): Float32Array {
  const from = (index.layer * heads + index.head) * tokens * tokens;
  return probabilities.subarray(from, from + tokens * tokens);
}

export interface HeadIndex {
  layer: number;
  head: number;
}

/** The most pixels of a side of a small map: with more tokens, a pixel is the largest of several. */
const SMALL = 96;

/** Paints a small map of `p` [T, T] into `canvas`. */
export function paintSmall(canvas: HTMLCanvasElement, p: Float32Array, T: number, ink: Ink): void {
  const every = Math.ceil(T / SMALL);
  const side = Math.ceil(T / every);
  paint(canvas, side, ink, (row, column) => {
    let most = 0;
    const [rows, columns] = [Math.min(T, (row + 1) * every), Math.min(T, (column + 1) * every)];
    for (let t = row * every; t < rows; t++)
      for (let s = column * every; s < columns; s++) most = Math.max(most, p[t * T + s]);
    return most;
  });
}

/** Paints every probability of `p` [T, T] as a pixel. */
export function paintWhole(canvas: HTMLCanvasElement, p: Float32Array, T: number, ink: Ink): void {
  paint(canvas, T, ink, (t, s) => p[t * T + s]);
}

export type Ink = readonly [red: number, green: number, blue: number];

function paint(
  canvas: HTMLCanvasElement,
  side: number,
  [red, green, blue]: Ink,
  at: (row: number, column: number) => number,
): void {
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(side, side);
  const { data } = image;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column <= row; column++) {
      const i = 4 * (row * side + column);
      data[i] = red;
      data[i + 1] = green;
      data[i + 2] = blue;
      // What cannot be attended to stays empty; the rest is slightly darker than the paper.
      data[i + 3] = 255 * (0.06 + 0.94 * Math.sqrt(Math.min(1, at(row, column))));
    }
  }
  context.putImageData(image, 0, 0);
}
