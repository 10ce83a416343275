// `inspect` without a subcommand: an overview of activations, attention and losses. Read next: subject.ts.
import { formatAmount, formatCount, formatNumber, formatPercent } from '../../base/format.ts';
import { mean } from '../../base/statistics.ts';
import { visibleLine } from '../../base/visible.ts';
import { activationsFigure, gradientsFigure } from '../../figures/activations.ts';
import { attentionFinding, MAX_ATTENTION_TOKENS } from '../../figures/attention.ts';
import { headsFinding } from '../../figures/heads.ts';
import { activationLabel, tapLabel } from '../../figures/labels.ts';
import { MAX_LOSS_TOKENS } from '../../figures/text-bars.ts';
import { tokenLossFinding } from '../../figures/token-loss.ts';
import { attentionMaps, type HeadSummary, inductionScores, summarizeHeads } from '../../inspect/attention.ts';
import { measureTaps } from '../../inspect/measure.ts';
import { predictText, type TokenPrediction } from '../../inspect/predictions.ts';
import type { ProbeEvent } from '../../train/events.ts';
import type { Output } from '../output.ts';
import { batchOf, type Findings, type Subject, textOf } from './subject.ts';

export async function overview(subject: Subject): Promise<Findings> {
  const { model, tokenizer } = subject.folder;
  const { activation, blockSize } = model.config;
  const text = await textOf(subject, 2);
  const ids = text.subarray(0, MAX_LOSS_TOKENS);
  const probe = { ...(await measureTaps(model, await batchOf(subject))), step: subject.step ?? 0 };
  const attention = await attentionMaps(model, ids.subarray(0, Math.min(MAX_ATTENTION_TOKENS, blockSize)));
  const heads = summarizeHeads(attention, await inductionScores(model));
  const { tokens: losses } = await predictText(subject.folder, ids, { top: 0 });
  const labels = Array.from(ids.subarray(0, attention.tokens), (id) => tokenizer.tokenText(id));
  return {
    data: { activation, taps: probe.taps, attention: { tokens: attention.tokens, heads }, losses },
    figures(charts) {
      const drawing = { activation, charts };
      return [
        activationsFigure([probe], drawing),
        gradientsFigure([probe], drawing),
        ...attentionFinding.figures({ ...attention, tokens: labels }, drawing),
        ...headsFinding.figures(heads, drawing),
        ...tokenLossFinding.figures(losses, drawing),
      ];
    },
    show(output): void {
      if (text.length > ids.length)
        output.note(`of the ${text.length} tokens the first ${ids.length} are shown`);
      showActivations(probe, activationLabel[activation], output);
      showDistances(heads, attention, output);
      showLosses(losses, output);
      output.print('More: inspect taps, health, attention, tokens, lens, embedding, edit, ablate');
    },
  };
}

function showActivations({ taps }: ProbeEvent, label: string, output: Output): void {
  output.print(output.colors.bold(`${label} of every block, ${formatAmount(taps[0].windowTokens, 'token')}`));
  const gradients = taps.every(({ gradient }) => gradient !== null);
  output.table(
    [
      '',
      'outputs <= 0',
      'dead units',
      'mean',
      'std',
      ...(gradients ? ['gradient mean', 'gradient std'] : []),
    ],
    taps.map(({ name, zeroFraction, deadUnits, units, value, gradient }) => [
      tapLabel(name),
      formatPercent(zeroFraction),
      `${deadUnits.length} of ${formatCount(units)}`,
      ...[value, ...(gradient ? [gradient] : [])].flatMap(({ mean, std }) => [mean, std].map(formatNumber)),
    ]),
  );
  if (!gradients) output.print('An INT8 model has no gradients.');
  output.print();
}

function showDistances(
  summaries: readonly HeadSummary[],
  { layers, heads, tokens }: { layers: number; heads: number; tokens: number },
  output: Output,
): void {
  output.print(
    output.colors.bold(`How far each head looks back, mean over ${formatAmount(tokens, 'token')}`),
  );
  output.table(
    ['', ...Array.from({ length: heads }, (_, head) => `head ${head}`)],
    Array.from({ length: layers }, (_, layer) => [
      `block ${layer}`,
      ...summaries.slice(layer * heads, (layer + 1) * heads).map(({ distance }) => distance.toFixed(1)),
    ]),
  );
  output.print();
}

const EXTREMES = 5;

function showLosses(tokens: readonly TokenPrediction[], output: Output): void {
  const predicted = tokens.flatMap(({ text, loss }) => (loss === null ? [] : [{ text, loss }]));
  const average = mean(predicted.map(({ loss }) => loss));
  const sorted = predicted.toSorted((a, b) => b.loss - a.loss);
  const shown = Math.min(EXTREMES, Math.ceil(sorted.length / 2));
  const list = (some: typeof predicted): string =>
    some.map(({ text, loss }) => `${visibleLine(text)} ${loss.toFixed(2)}`).join('   ');
  const tokensOf = formatAmount(predicted.length, 'token');
  output.print(output.colors.bold(`Loss of ${tokensOf}, mean ${average.toFixed(3)} nats`));
  output.print(`hardest  ${list(sorted.slice(0, shown))}`);
  output.print(`easiest  ${list(sorted.slice(-shown).reverse())}\n`);
}
