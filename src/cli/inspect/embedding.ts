// `inspect embedding`: tokens with similar vectors, and the similarity of positions.
import { visibleLine } from '../../base/visible.ts';
import { neighboursFinding } from '../../figures/neighbours.ts';
import { positionsFinding, positionsTable, similarityByDistance } from '../../figures/positions.ts';
import { type Neighbours, neighbours, positionSimilarity } from '../../inspect/embedding.ts';
import { misuse } from '../errors.ts';
import type { Output } from '../output.ts';
import { showTable } from '../show-table.ts';
import { encodeText } from '../special.ts';
import { textWidth } from '../view/width.ts';
import { type Findings, type Subject, textOf } from './subject.ts';

/** Which tokens, and how many neighbours of each. */
export interface EmbeddingOptions {
  token?: readonly string[];
  count: number;
}

/** The assumed width of the terminal. */
const WIDTH = 80;

/** The most tokens taken from a text that nobody chose. */
const DISTINCT = 12;

export async function embedding(subject: Subject, { token, count }: EmbeddingOptions): Promise<Findings> {
  const { folder, given } = subject;
  const ids = token
    ? token.flatMap((text) => [...encodeText(folder.tokenizer, text, given)])
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
      showNeighbours(near, output);
      if (similarity) showTable(positionsTable(similarity), output);
      else output.print(`no table of positions: they enter as '${folder.model.config.position}'`);
    },
  };
}

function showNeighbours(near: readonly Neighbours[], output: Output): void {
  output.print(output.colors.bold('Nearest tokens by the cosine of their embeddings'));
  for (const { text, nearest } of near) {
    let line = visibleLine(text).padEnd(10);
    for (const other of nearest) {
      const longer = `${line}  ${visibleLine(other.text)} ${other.cosine.toFixed(2)}`;
      if (textWidth(longer) > WIDTH) break; // --json and the picture have the rest
      line = longer;
    }
    output.print(line);
  }
  output.print();
}
