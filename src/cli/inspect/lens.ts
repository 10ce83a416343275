// `inspect lens`: what each layer would predict if it were the last.
import { lensFinding, lensTable, MAX_LENS_TOKENS } from '../../figures/lens.ts';
import { logitLens } from '../../inspect/lens.ts';
import { showTable } from '../show-table.ts';
import { type Findings, promptOf, type Subject } from './subject.ts';

export async function lens(subject: Subject, { top }: { top: number }): Promise<Findings> {
  const ids = await promptOf(subject, 1);
  const found = await logitLens(subject.folder, ids, { top });
  return {
    data: found,
    figures: (charts) => lensFinding.figures(found, { charts }),
    show(output): void {
      showTable(lensTable(found), output);
      if (ids.length > MAX_LENS_TOKENS) {
        output.note(`no picture of ${ids.length} tokens: it is drawn for at most ${MAX_LENS_TOKENS}`);
      }
    },
  };
}
