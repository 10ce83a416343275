// The noise in each layer's output after rounding its weight: one row per layer, one dot per method.

import { ownerOf } from '../model/names.ts';
import type { LayerErrors } from '../quantize/layer-errors.ts';
import type { Charts } from './charts.ts';
import type { Drawing, Figure } from './figure.ts';
import { chart, plotOf } from './plot.ts';
import { BODY_TOP, MARGIN, picture, text, theme } from './svg.ts';

const WIDTH = 900;
const ROW = 22;
const LEGEND = 30;
/** Blue, orange, green (Okabe & Ito 2008). */
const COLORS = ['#0072b2', '#d55e00', '#009e73'];

/** The caption, also in reports. */
export const LAYERS_TITLE = 'Noise of the weights in what layers put out';

/** Draws `layers`; null if no layer was rounded. */
export function layerErrorFigure(layers: readonly LayerErrors[], { charts }: Drawing): Figure | null {
  const ways = [...new Set(layers.flatMap(({ sqnrDb }) => Object.keys(sqnrDb)))];
  const points = layers.flatMap(({ name, sqnrDb }) =>
    Object.entries(sqnrDb).flatMap(([way, db]) => (db === null ? [] : [{ layer: ownerOf(name), way, db }])),
  );
  if (points.length === 0) return null;
  const order = layers.map(({ name }) => ownerOf(name));
  const height = order.length * ROW + 70;
  const title = LAYERS_TITLE;
  const svg = picture({
    title,
    subtitle:
      'power of the output against that of what rounding the weight changes in it; 6 dB are one bit, more is better',
    width: WIDTH,
    height: BODY_TOP + LEGEND + height,
    body: [...legend(ways), dots(points, order, ways, height, charts)],
  });
  return { name: 'layers', title, svg, data: { layers } };
}

function legend(ways: readonly string[]): string[] {
  let x = MARGIN;
  return ways.flatMap((way, i) => {
    const at = x;
    x += 24 + 7 * way.length + 24;
    return [
      `<circle cx="${at + 6}" cy="${BODY_TOP + 8}" r="5" fill="${COLORS[i]}"/>`,
      text(at + 18, BODY_TOP + 12, way),
    ];
  });
}

function dots(
  points: readonly { layer: string; way: string; db: number }[],
  order: readonly string[],
  ways: readonly string[],
  height: number,
  charts: Charts,
): string {
  const largest = Math.max(...points.map(({ db }) => db));
  return chart(
    MARGIN,
    BODY_TOP + LEGEND,
    {
      width: WIDTH - 2 * MARGIN,
      height,
      marginLeft: 150,
      marginBottom: 46,
      x: {
        domain: [0, 1.05 * largest],
        label: 'signal to noise (dB)',
        labelAnchor: 'center',
        labelArrow: 'none',
        labelOffset: 40,
        grid: true,
      },
      y: { domain: [...order], label: null, type: 'point' },
      color: { domain: [...ways], range: COLORS },
      marks: [
        plotOf(charts).ruleY(order, { stroke: theme.rule }),
        plotOf(charts).dot(points, {
          x: 'db',
          y: 'layer',
          fill: 'way',
          r: 5,
          stroke: theme.paper,
          strokeWidth: 1,
        }),
      ],
    },
    charts,
  );
}
