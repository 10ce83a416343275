// The colours of the page for a canvas, which knows no CSS variables.
import { type ReadonlySignal, signal } from '@preact/signals';

const query = matchMedia('(prefers-color-scheme: dark)');
const dark = signal(query.matches);
query.addEventListener('change', () => {
  dark.value = query.matches;
});

/** Whether the page is dark: what is drawn on a canvas is drawn anew when it changes. */
export const isDark: ReadonlySignal<boolean> = dark;

/** The colour `--name` at `node`, as red, green and blue from 0 to 255. */
export function colorOf(node: Element, name: string): [red: number, green: number, blue: number] {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!probe) return [0, 0, 0];
  probe.fillStyle = getComputedStyle(node).getPropertyValue(`--${name}`).trim();
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}
