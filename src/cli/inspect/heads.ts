// `inspect attention`: who looks at whom, and what kind of head each one is.
import {
  attentionMaps,
  type HeadSummary,
  inductionScores,
  kindsOf,
  summarizeHeads,
} from '../../inspect/attention.ts';
import { attentionFigure, MAX_ATTENTION_TOKENS } from '../../report/attention-plot.ts';
import { headsFigure } from '../../report/heads-plot.ts';
import type { Output } from '../output.ts';
import { type Findings, promptOf, type Subject } from './subject.ts';

export async function heads(subject: Subject): Promise<Findings> {
  const { model, tokenizer } = subject.folder;
  const ids = await promptOf(subject, 1);
  const attention = await attentionMaps(model, ids);
  const summaries = summarizeHeads(attention, await inductionScores(model));
  const tokens = Array.from(ids, (id) => tokenizer.tokenText(id));
  const drawn = tokens.length <= MAX_ATTENTION_TOKENS;
  return {
    data: { tokens, heads: summaries },
    figures: [...(drawn ? [attentionFigure({ ...attention, tokens })] : []), headsFigure(summaries)],
    show(output): void {
      showHeads(summaries, tokens.length, output);
      if (!drawn) {
        output.note(`no maps of ${tokens.length} tokens: they are drawn for at most ${MAX_ATTENTION_TOKENS}`);
      }
    },
  };
}

function showHeads(heads: readonly HeadSummary[], tokens: number, output: Output): void {
  output.print(output.colors.bold(`Attention over ${tokens} tokens, means over the positions`));
  output.table(
    ['head', 'entropy', 'distance', 'previous', 'itself', 'first', 'induction', ''],
    heads.map((head) => [
      ...[`${head.layer}.${head.head}`, head.entropy.toFixed(2), head.distance.toFixed(1)],
      ...[head.previous, head.self, head.first].map((p) => p.toFixed(2)),
      head.induction?.toFixed(2) ?? '',
      output.colors.cyan(kindsOf(head).join(', ')),
    ]),
  );
  output.print('head: block.head; entropy: share of the largest possible; distance: tokens back;');
  output.print('the others: probability on that token; induction: in a random text repeated, on');
  output.print('the token after the one that is the same\n');
}
