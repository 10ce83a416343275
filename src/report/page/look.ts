// The findings about the model of a run: which token attends to which, the loss of every token, the
// prediction of each layer.
import { formatPercent } from '../../base/format.ts';
import { mean } from '../../base/statistics.ts';
import { visibleLine } from '../../base/visible.ts';
import type { Figure } from '../../figures/figure.ts';
import type { ShownFinding } from '../../figures/findings.ts';
import { headsFinding } from '../../figures/heads.ts';
import { layerLabel } from '../../figures/labels.ts';
import { meanLosses } from '../../figures/lens.ts';
import { type HeadSummary, kindsOf } from '../../inspect/attention.ts';
import type { Lens, LensCell } from '../../inspect/lens.ts';
import type { Findings, SavedAttention, SavedLoss } from '../../runs/findings.ts';
import { type Html, html, type Part, raw } from './html.ts';
import { reportTable, type Section } from './page.ts';

/** Titles and places of findings on the page. Kinds that are not listed use their own titles. */
const PLACES: Partial<Record<keyof Findings, { id: string; title: string }>> = {
  activations: { id: 'inspected', title: 'Activations on a text' },
  taps: { id: 'named', title: 'Named values on a text' },
  lens: { id: 'lens', title: 'Layer by layer' },
};

/**
 * A finding as a section of the page: maps, texts and the lens in the colours of the page, other kinds as
 * pictures, with the same tables.
 */
export function findingSection(found: ShownFinding, findings: Findings): Section | null {
  const { kind, title, about, tables, figures } = found;
  const { attention, heads, tokens, lens } = findings;
  if (kind === 'heads' && attention) return null; // shown beside the maps
  const section = (body: Part): Section => ({ id: kind, title, ...PLACES[kind], body });
  if (kind === 'attention' && attention) return section(attentionSection(attention, heads));
  if (kind === 'tokens' && tokens) return section([tokensSection(tokens), tables.map(reportTable)]);
  if (kind === 'lens' && lens) return section(lensSection(lens));
  return section([html`<p>${about}</p>`, figures.map(wide), tables.map(reportTable)]);
}

/** A picture that scrolls by itself if it is too wide. */
export function wide({ svg }: Figure): Html {
  return html`<div class="scroll">${raw(svg)}</div>`;
}

/**
 * A map per head with the kind of the head, a row of maps per block. A row per token, a column per token that
 * it attends to.
 */
function attentionSection(
  { tokens, layers, heads, probabilities }: SavedAttention,
  summaries: readonly HeadSummary[] = [],
): Html {
  const T = tokens.length;
  const rows = Array.from({ length: layers }, (_, layer) => {
    const maps = Array.from({ length: heads }, (_, head) => {
      const index = layer * heads + head;
      const from = index * T * T;
      const kinds = summaries[index] ? kindsOf(summaries[index]) : [];
      return html`<div class="head"><svg viewBox="0 0 ${T} ${T}" role="img" aria-label="block ${layer}, head ${head}">${heatMap(probabilities.slice(from, from + T * T), T)}</svg><span>${head}${kinds.length > 0 && html` <b>${kinds.join(', ')}</b>`}</span></div>`;
    });
    return html`<h3>Block ${layer}</h3><div class="heads">${maps}</div>`;
  });
  return html`<p>One square for each head. Downwards the ${T} tokens of a text, across the tokens that they attend to; the stronger the
colour, the more attention, its square root being drawn so that weak links show.${summaries.length > 0 && ' Heads of a known kind say so.'}</p>
<p class="tokens">${tokens.map((token) => html`<span>${visibleLine(token)}</span> `)}</p>${rows}
${headsFinding.tables(summaries, {}).map(reportTable)}`;
}

/** Number of colours: enough to look continuous, few enough that equal neighbours share a path. */
const LEVELS = 16;

function heatMap(rows: readonly number[], T: number): Html {
  const paths = new Array<string>(LEVELS + 1).fill('');
  const level = (t: number, s: number): number =>
    Math.round(LEVELS * Math.sqrt(Math.min(1, Math.max(0, rows[t * T + s]))));
  for (let t = 0; t < T; t++) {
    for (let s = 0; s <= t; ) {
      let end = s + 1;
      while (end <= t && level(t, end) === level(t, s)) end++;
      paths[level(t, s)] += `M${s} ${t}h${end - s}v1h${s - end}z`;
      s = end;
    }
  }
  return raw(
    paths
      .map((path, i) =>
        path && i > 0
          ? `<path fill="var(--val)" fill-opacity="${(i / LEVELS).toFixed(2)}" d="${path}"/>`
          : '',
      )
      .join(''),
  );
}

/** The loss in nats at which a token has its full colour: a probability of one in four hundred. */
const FULL = 6;

/** The text, each token in the colour of its loss. */
function tokensSection(tokens: readonly SavedLoss[]): Html {
  const losses = tokens.flatMap(({ loss }) => loss ?? []);
  const average = losses.length > 0 ? mean(losses) : 0;
  const token = ({ text, loss, probability, expected = [] }: SavedLoss): Html => {
    if (loss === null) return html`<span>${visibleLine(text)}</span>`;
    const chance = formatPercent(probability ?? Math.exp(-loss));
    const share = Math.round((70 * Math.min(loss, FULL)) / FULL);
    const others = expected.length > 0 ? `; expected ${choices(expected)}` : '';
    return html`<span style="--c:var(--bad);--l:${share}" title="${loss.toFixed(2)} nats, ${chance}${others}">${visibleLine(text)}</span>`;
  };
  return html`<p>What the model did not see coming is coloured: the stronger, the less likely it found the token. The mean over ${losses.length}
predicted tokens is ${average.toFixed(3)} nats.</p><p class="tokens">${tokens.map((one) => html`${token(one)}<wbr>`)}</p>`;
}

/** The prediction of each block, as if it were the last: a row per token, a column per block. */
function lensSection(lens: Lens): Html {
  const { tokens, rows } = lens;
  const cell = ({ top }: LensCell, next: Lens['tokens'][number] | undefined): Html => {
    const [best] = top;
    const hit = best.id === next?.id;
    return html`<td${hit && raw(' class="hit"')} style="--l:${Math.round(70 * best.probability)}" title="${choices(top)}">${visibleLine(best.text)}</td>`;
  };
  return html`<p>Downwards a text; across, the token that each layer, read as if it were the last, finds most likely to come next. The stronger
the colour, the surer; underlined is what did come.</p>
<div class="scroll"><table class="lens"><thead><tr><th scope="col">after</th>${rows.map(({ name }) => html`<th scope="col">${layerLabel(name)}</th>`)}<th scope="col">next</th></tr></thead>
<tbody>${tokens.map((token, t): Part => {
    const next = tokens[t + 1];
    return html`<tr><th scope="row">${visibleLine(token.text)}</th>${rows.map(({ cells }) => cell(cells[t], next))}<td class="came">${next && visibleLine(next.text)}</td></tr>
`;
  })}</tbody></table></div>
<p class="note">Mean loss over the text, layer by layer: ${meanLosses(lens)
    .map((loss) => (loss ?? 0).toFixed(2))
    .join(', ')} nats.</p>`;
}

/** `th 31.0 %, a 12.1 %` */
function choices(some: LensCell['top']): string {
  return some.map(({ text, probability }) => `${visibleLine(text)} ${formatPercent(probability)}`).join(', ');
}
