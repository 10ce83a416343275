// `inspect` without a subcommand: an overview of activations, attention and losses. Read next: subject.ts.
import { formatAmount } from '../../base/format.ts';
import { activationsFigure, activationsTable, gradientsFigure } from '../../figures/activations.ts';
import { attentionFinding, MAX_ATTENTION_TOKENS } from '../../figures/attention.ts';
import { distancesTable, headsFinding } from '../../figures/heads.ts';
import { activationLabel } from '../../figures/labels.ts';
import { MAX_LOSS_TOKENS } from '../../figures/text-bars.ts';
import { hardestTable, tokenLossFinding } from '../../figures/token-loss.ts';
import { attentionMaps, inductionScores, summarizeHeads } from '../../inspect/attention.ts';
import { measureTaps } from '../../inspect/measure.ts';
import { predictText } from '../../inspect/predictions.ts';
import { showTable } from '../show-table.ts';
import { batchOf, type Findings, type Subject, textOf } from './subject.ts';

/** How many of the tokens that were hardest to predict. */
const HARDEST = 5;

export async function overview(subject: Subject): Promise<Findings> {
  const { model, tokenizer } = subject.folder;
  const { activation, blockSize } = model.config;
  const text = await textOf(subject, 2);
  const ids = text.subarray(0, MAX_LOSS_TOKENS);
  const probe = { ...(await measureTaps(model, await batchOf(subject))), step: subject.step ?? 0 };
  const attention = await attentionMaps(model, ids.subarray(0, Math.min(MAX_ATTENTION_TOKENS, blockSize)));
  const heads = summarizeHeads(attention, await inductionScores(model));
  const { tokens: losses, loss } = await predictText(subject.folder, ids, { top: 0 });
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
      const outputs = activationsTable([probe]);
      if (outputs) showTable({ ...outputs, title: `${activationLabel[activation]} of every block` }, output);
      showTable(distancesTable(heads), output);
      const hardest = hardestTable(losses, HARDEST);
      const title = `${formatAmount(ids.length, 'token')}, mean loss ${loss?.toFixed(3)} nats: the hardest`;
      if (hardest) showTable({ ...hardest, title }, output);
      output.print('More: inspect taps, health, attention, tokens, lens, embedding, edit, ablate');
    },
  };
}
