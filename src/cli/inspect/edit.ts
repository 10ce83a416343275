// `inspect edit` and `inspect ablate`: the effect of a change inside on the predictions.
import { formatChange } from '../../base/format.ts';
import { ablationFinding } from '../../figures/ablation.ts';
import { choicesLine } from '../../figures/labels.ts';
import { changesTable, type EditedText, lossChangeFinding } from '../../figures/loss-change.ts';
import { editTap } from '../../inspect/edit.ts';
import { parseEdit, resolveEdits } from '../../inspect/edit-text.ts';
import { ablate, type EditEffect, editEffect } from '../../inspect/effect.ts';
import { asked } from '../errors.ts';
import type { Output } from '../output.ts';
import { showTable } from '../show-table.ts';
import { encodeWords } from '../special.ts';
import { type Findings, promptOf, type Subject } from './subject.ts';

export async function edit(subject: Subject, texts: readonly string[], top: number): Promise<Findings> {
  const { folder, given } = subject;
  const { config } = folder.model;
  const ids = await promptOf(subject, 1);
  const encode = (text: string): Int32Array => encodeWords(folder.tokenizer, text, given);
  const effect = await asked(async () => {
    const edits = await resolveEdits(folder.model, texts.map(parseEdit), encode);
    editTap(edits, config);
    return editEffect(folder, ids, edits, { top });
  });
  const edited = editedText(effect, texts.join('  '));
  return {
    data: { edits: texts, ...effect },
    figures: (charts) => lossChangeFinding.figures(edited, { charts }),
    show: (output) => showEffect(effect, edited, output),
  };
}

/** The effect, token by token. */
function editedText({ before, after, lossChange }: EditEffect, edits: string): EditedText {
  const tokens = before.tokens.map(({ text, loss }, i) => {
    const { loss: now, expected } = after.tokens[i];
    return { text, change: lossChange[i], before: loss, after: now, expected };
  });
  return { edits, tokens };
}

function showEffect({ before, after }: EditEffect, edited: EditedText, output: Output): void {
  output.print(output.colors.bold(edited.edits));
  if (before.loss !== null && after.loss !== null) {
    const change = after.loss - before.loss;
    output.print(
      `mean loss ${before.loss.toFixed(3)} -> ${after.loss.toFixed(3)} nats (${formatChange(change, 3)})\n`,
    );
    const table = changesTable(edited);
    if (table) showTable(table, output);
    else output.print('no token changes\n');
  }
  output.print(`${output.colors.bold('Next, before')}  ${choicesLine(before.next)}`);
  output.print(`${output.colors.bold('      after')}   ${choicesLine(after.next)}\n`);
}

export async function ablation(subject: Subject): Promise<Findings> {
  const ids = await promptOf(subject, 2);
  const found = await ablate(subject.folder, ids);
  return {
    data: { tokens: ids.length, ...found },
    figures: (charts) => ablationFinding.figures(found, { charts }),
    show(output): void {
      for (const table of ablationFinding.tables(found, {}))
        showTable({ ...table, title: `${table.title}; ${ids.length} tokens` }, output);
    },
  };
}
