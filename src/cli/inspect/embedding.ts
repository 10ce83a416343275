// `inspect embedding`: tokens with similar vectors, and the similarity of positions.
import { neighboursFinding, neighboursTable } from '../../figures/neighbours.ts';
import { positionsFinding, positionsTable, similarityByDistance } from '../../figures/positions.ts';
import { neighbours, positionSimilarity } from '../../inspect/embedding.ts';
import { misuse } from '../errors.ts';
import { showTable } from '../show-table.ts';
import { encodeWords } from '../special.ts';
import { type Findings, type Subject, textOf } from './subject.ts';

/** Which tokens, and how many neighbours of each. */
export interface EmbeddingOptions {
  token?: readonly string[];
  count: number;
}

/** The most tokens taken from a text that nobody chose. */
const DISTINCT = 12;

export async function embedding(subject: Subject, { token, count }: EmbeddingOptions): Promise<Findings> {
  const { folder, given } = subject;
  const ids = token
    ? token.flatMap((text) => [...encodeWords(folder.tokenizer, text, given)])
    : [...new Set(await textOf(subject, 1))].slice(0, DISTINCT);
  if (ids.length === 0) throw misuse('--token is empty: give the text of a token');
  const near = await neighbours(folder, [...new Set(ids)], count);
  const similarity = await positionSimilarity(folder.model);
  const byDistance = similarity && similarityByDistance(similarity);
  return {
    data: { neighbours: near, positions: byDistance },
    figures: (charts) => [
      ...neighboursFinding.figures(near, { charts }),
      ...(similarity ? positionsFinding.figures(similarity, { charts }) : []),
    ],
    show(output): void {
      showTable(neighboursTable(near), output);
      if (similarity) showTable(positionsTable(similarity), output);
      else output.print(`no table of positions: they enter as '${folder.model.config.position}'`);
    },
  };
}
