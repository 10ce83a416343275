// Numbers as shades: a column for each moment, from bottom to top.
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { colorOf, isDark } from './color.ts';

interface Shown {
  label: string;
  /** Columns of equal length, numbers >= 0. */
  columns: readonly (readonly number[])[];
  /**
   * The number of a column that is drawn darkest; larger ones are, too. Default: the largest of each column.
   */
  darkest?: (column: readonly number[]) => number;
  height: number;
}

export function Heat({ label, columns, height, darkest = largest }: Shown): VNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const node = canvas.current;
    const rows = columns[0]?.length ?? 0;
    const context = node?.getContext('2d');
    if (!node || !context || rows === 0) return;
    node.width = columns.length;
    node.height = rows;
    const image = context.createImageData(columns.length, rows);
    const [r, g, b] = colorOf(node, 'val');
    for (const [x, column] of columns.entries()) {
      const most = darkest(column) || 1;
      for (const [i, n] of column.entries()) {
        const at = 4 * ((rows - 1 - i) * columns.length + x);
        image.data.set([r, g, b, 255 * Math.sqrt(Math.min(1, n / most))], at); // the root makes tails visible
      }
    }
    context.putImageData(image, 0, 0);
  }, [columns, isDark.value]);
  return <canvas ref={canvas} class="heat" role="img" aria-label={label} style={{ height: `${height}px` }} />;
}

function largest(column: readonly number[]): number {
  return Math.max(...column);
}
