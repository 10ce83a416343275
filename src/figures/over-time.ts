// How activations and their gradients changed during training: a panel per block, one curve (a hill) per
// probe, time downwards.
import { evenly } from '../base/evenly.ts';
import { formatCount } from '../base/format.ts';
import type { ProbeEvent, TapSummary } from '../train/events.ts';
import type { Drawing, Figure } from './figure.ts';
import { activationLabel, tapLabel } from './labels.ts';
import { depthPalette } from './plot.ts';
import { RIDGE_DECADES, ridgeChart } from './ridges.ts';
import { BODY_TOP, MARGIN, picture, text, theme } from './svg.ts';

const PANEL = 190;
const LABELS = 50;
const ROW = 22;
const GAP = 26;
const MOST_ROWS = 16;
const MOST_PANELS = 6;

/**
 * `relu-activations-over-time` or `relu-gradients-over-time`. Of many probes and of many blocks some are
 * drawn: evenly spread, including the first and the last. Null when fewer than two probes have histograms.
 */
export function overTimeFigure(
  probes: readonly ProbeEvent[],
  kind: 'activations' | 'gradients',
  { activation = 'relu', charts }: Drawing,
): Figure | null {
  const summaryOf = (tap: TapSummary) => (kind === 'activations' ? tap.value : tap.gradient);
  const seen = probes.filter(({ taps }) =>
    taps.some((tap) => (summaryOf(tap)?.histogram.counts.length ?? 0) > 0),
  );
  if (seen.length < 2) return null;
  const shown = evenly(seen, MOST_ROWS);
  const names = evenly(
    seen[0].taps.map(({ name }) => name),
    MOST_PANELS,
  );
  const palette = depthPalette(shown.length, charts);
  const top = BODY_TOP + 44;
  const body = names.flatMap((name, panel) => {
    const x = MARGIN + LABELS + panel * (PANEL + GAP);
    const ridges = shown.flatMap(({ step, taps }, i) => {
      const tap = taps.find((candidate) => candidate.name === name);
      const summary = tap && summaryOf(tap);
      if (!tap || !summary) return [];
      const sparse = kind === 'activations' && tap.value.min >= 0;
      const label = panel === 0 ? formatCount(step) : '';
      return [{ label, color: palette[i], summary, zeros: sparse ? tap.zeroFraction : 0 }];
    });
    return [
      text(x + PANEL / 2, BODY_TOP + 12, tapLabel(name), { anchor: 'middle' }),
      ridgeChart({ x, y: top, width: PANEL, row: ROW }, ridges),
    ];
  });
  body.push(text(MARGIN + LABELS - 8, BODY_TOP + 12, 'step', { size: 11, anchor: 'end', fill: theme.muted }));
  const label = activationLabel[activation];
  const title = kind === 'activations' ? `${label} activations over time` : `${label} gradients over time`;
  const what = kind === 'activations' ? `${label} outputs above 0` : `dLoss / d(${label} output)`;
  const svg = picture({
    title,
    subtitle: `${what}, one curve per probe; height: density, log scale over ${RIDGE_DECADES} decades`,
    width: Math.max(640, MARGIN + LABELS + names.length * (PANEL + GAP) - GAP + MARGIN),
    height: top + shown.length * ROW + 40,
    body,
  });
  const data = seen.map(({ step, taps }) => ({
    step,
    taps: taps.map((tap) => ({ name: tap.name, ...summaryOf(tap) })),
  }));
  return { name: `${activation}-${kind}-over-time`, title, svg, data };
}
