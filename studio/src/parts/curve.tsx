// Lines over steps that grow while one looks, drawn by uPlot.
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Line {
  label: string;
  /** The name of a colour of the page: `train`, `val`, `run-2`. */
  color: string;
  x: readonly number[];
  y: readonly number[];
  /** Thin and pale: measurements behind their mean. */
  faint?: boolean;
  points?: boolean;
}

interface Shown {
  title: string;
  lines: readonly Line[];
  /** Changes when a line has grown. */
  version: number;
  height?: number;
  unit?: string;
  log?: boolean;
}

export function Curve({ title, lines, version, height = 260, unit = '', log = false }: Shown): VNode {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const frame = useRef(0);
  const kind = lines.map(({ label, color }) => `${label}/${color}`).join('|');

  useEffect(() => {
    const node = place.current;
    if (!node) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(node, lines, { height, unit, log }), dataOf(lines), node);
    };
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    const resized = new ResizeObserver(() => {
      if (plot.current?.width !== node.clientWidth) draw();
    });
    resized.observe(node);
    return () => {
      scheme.removeEventListener('change', draw);
      resized.disconnect();
      cancelAnimationFrame(frame.current);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [kind, height, log]);

  useEffect(() => {
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => plot.current?.setData(dataOf(lines)));
  }, [version]);

  const last = lines.flatMap(({ label, y }) =>
    y.length > 0 ? [`${label} ${y[y.length - 1].toFixed(3)}`] : [],
  );
  return (
    <figure class="curve">
      <figcaption>{title}</figcaption>
      <div ref={place} role="img" aria-label={`${title}: ${last.join(', ') || 'nothing yet'}`} />
    </figure>
  );
}

/** More points than a screen has columns only take time. */
const MOST_POINTS = 2000;

function dataOf(lines: readonly Line[]): uPlot.AlignedData {
  const tables = lines.map(({ x, y }): uPlot.AlignedData => {
    const every = Math.ceil(x.length / MOST_POINTS);
    if (every <= 1) return [x.slice(), y.slice()];
    const kept = (_: number, i: number): boolean => i % every === 0 || i === x.length - 1;
    return [x.filter(kept), y.filter(kept)];
  });
  return tables.length === 0 ? [[]] : uPlot.join(tables);
}

function optionsOf(
  node: HTMLElement,
  lines: readonly Line[],
  { height, unit, log }: { height: number; unit: string; log: boolean },
): uPlot.Options {
  const style = getComputedStyle(node);
  const color = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const font = `12px ${style.getPropertyValue('--sans')}`;
  const axis: uPlot.Axis = {
    stroke: color('muted'),
    font,
    grid: { stroke: color('rule'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: node.clientWidth,
    height,
    scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
    axes: [axis, { ...axis, size: 52, label: unit, labelFont: font, labelSize: unit ? 22 : 0 }],
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true },
    series: [
      { label: 'step' },
      ...lines.map(
        ({ label, color: name, faint, points }): uPlot.Series => ({
          label,
          stroke: faint ? `color-mix(in srgb, ${color(name)} 35%, transparent)` : color(name),
          width: faint ? 1 : 2,
          spanGaps: true,
          points: { show: points ?? false, size: 5 },
          value: (_, value) => (value === null ? '' : value.toPrecision(4)),
        }),
      ),
    ],
  };
}
