// `inspect edit` and `inspect ablate`: what a change inside does to what comes out.
import { formatChange } from '../../base/format.ts';
import { visibleLine } from '../../base/visible.ts';
import { editTap } from '../../inspect/edit.ts';
import { parseEdit, resolveEdits } from '../../inspect/edit-text.ts';
import { type Ablations, ablate, type EditEffect, editEffect } from '../../inspect/effect.ts';
import { ablationFigure } from '../../report/heads-plot.ts';
import { lossChangeFigure, MAX_LOSS_TOKENS } from '../../report/token-loss-plot.ts';
import { asked } from '../errors.ts';
import type { Output } from '../output.ts';
import { encodeText } from '../special.ts';
import { type Findings, promptOf, type Subject } from './subject.ts';
import { choices } from './tokens.ts';

export async function edit(subject: Subject, texts: readonly string[], top: number): Promise<Findings> {
  const { folder, given } = subject;
  const { config } = folder.model;
  const ids = await promptOf(subject, 1);
  const encode = (text: string): Int32Array => encodeText(folder.tokenizer, text, given);
  const effect = await asked(async () => {
    const edits = await resolveEdits(folder.model, texts.map(parseEdit), encode);
    editTap(edits, config);
    return editEffect(folder, ids, edits, { top });
  });
  const drawn = ids.length > 1 && ids.length <= MAX_LOSS_TOKENS;
  return {
    data: { edits: texts, ...effect },
    figures: drawn ? [lossChangeFigure(effect.before.tokens, effect.lossChange, texts.join('  '))] : [],
    show: (output) => showEffect(effect, texts, output),
  };
}

const ROWS = 10;

function showEffect(
  { before, after, lossChange }: EditEffect,
  texts: readonly string[],
  output: Output,
): void {
  output.print(output.colors.bold(texts.join('  ')));
  if (before.loss !== null && after.loss !== null) {
    const change = after.loss - before.loss;
    output.print(
      `mean loss ${before.loss.toFixed(3)} -> ${after.loss.toFixed(3)} nats (${formatChange(change, 3)})\n`,
    );
    const most = before.tokens
      .map((token, i) => ({ token, change: lossChange[i], after: after.tokens[i] }))
      .flatMap((row) => (row.change === null || row.change === 0 ? [] : [{ ...row, change: row.change }]))
      .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
      .slice(0, ROWS);
    if (most.length === 0) output.print('no token changes');
    else {
      output.print(output.colors.bold('Tokens that change most'));
      output.table(
        ['token', 'before', 'after', 'change', { title: 'expected now', align: 'left' }],
        most.map(({ token, change, after }) => [
          ...[visibleLine(token.text), Number(token.loss).toFixed(2), Number(after.loss).toFixed(2)],
          ...[formatChange(change, 2), choices(after.expected)],
        ]),
      );
    }
    output.print();
  }
  output.print(`${output.colors.bold('Next, before')}  ${choices(before.next)}`);
  output.print(`${output.colors.bold('      after')}   ${choices(after.next)}\n`);
}

export async function ablation(subject: Subject): Promise<Findings> {
  const ids = await promptOf(subject, 2);
  const found = await ablate(subject.folder, ids);
  return {
    data: { tokens: ids.length, ...found },
    figures: [ablationFigure(found)],
    show: (output) => showAblations(found, ids.length, output),
  };
}

function showAblations({ loss, heads, attention, mlp }: Ablations, tokens: number, output: Output): void {
  output.print(
    output.colors.bold(`Rise of the mean loss without each part; ${tokens} tokens, ${loss.toFixed(3)} nats`),
  );
  output.table(
    ['', ...heads[0].map((_, head) => `head ${head}`), 'attention', 'MLP'],
    heads.map((row, layer) => [
      `block ${layer}`,
      ...[...row, attention[layer], mlp[layer]].map((change) => formatChange(change, 3)),
    ]),
  );
  output.print();
}
