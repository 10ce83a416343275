// `inspect attention`: which token attends to which, and the kind of each head.
import { formatAmount } from '../../base/format.ts';
import { attentionFinding, MAX_ATTENTION_TOKENS } from '../../figures/attention.ts';
import { headsFinding, headsTable } from '../../figures/heads.ts';
import { attentionMaps, inductionScores, summarizeHeads } from '../../inspect/attention.ts';
import { showTable } from '../show-table.ts';
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
    figures: (charts) => [
      ...attentionFinding.figures({ ...attention, tokens }, { charts }),
      ...headsFinding.figures(summaries, { charts }),
    ],
    show(output): void {
      const title = `Attention over ${formatAmount(tokens.length, 'token')}, means over the positions`;
      showTable({ ...headsTable(summaries), title }, output);
      if (!drawn) {
        output.note(`no maps of ${tokens.length} tokens: they are drawn for at most ${MAX_ATTENTION_TOKENS}`);
      }
    },
  };
}
