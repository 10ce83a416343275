// What `inkhorn inspect --out` found in a model of the run: who looks at whom, and what every token cost.
import type { AttentionMaps } from '../attention-plot.ts';
import { formatPercent, visibleToken } from '../format.ts';
import type { TokenLoss } from '../token-loss-plot.ts';
import { type Html, html, raw } from './html.ts';

/** Probabilities [layers, heads, T, T] as they are kept in JSON. */
export type SavedAttention = Omit<AttentionMaps, 'probabilities'> & { probabilities: readonly number[] };

/** The looks that lie in a folder of the run. */
export interface Looks {
  attention?: SavedAttention;
  tokens?: readonly (TokenLoss & { probability?: number | null })[];
}

/** A map per head, a row of maps per layer. Rows are tokens, columns those that they look at. */
export function attentionSection({ tokens, layers, heads, probabilities }: SavedAttention): Html {
  const T = tokens.length;
  const rows = Array.from({ length: layers }, (_, layer) => {
    const maps = Array.from({ length: heads }, (_, head) => {
      const from = (layer * heads + head) * T * T;
      return html`<div class="head"><svg viewBox="0 0 ${T} ${T}" role="img" aria-label="layer ${layer}, head ${head}">${heatMap(probabilities.slice(from, from + T * T), T)}</svg><span>${head}</span></div>`;
    });
    return html`<h3>Layer ${layer}</h3><div class="heads">${maps}</div>`;
  });
  return html`<p>One square for each head. Downwards the ${T} tokens of a text, across the tokens that they look at; the stronger the
colour, the more attention, its square root being drawn so that weak links show.</p>
<p class="tokens">${tokens.map((token) => html`<span>${visibleToken(token)}</span> `)}</p>${rows}`;
}

/** Steps of the colour: enough to look continuous, few enough that equal neighbours share a path. */
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

/** Nats at which a token has its full colour: one in four hundred. */
const FULL = 6;

/** The text itself, each token in the colour of what it cost. */
export function tokensSection(tokens: NonNullable<Looks['tokens']>): Html {
  const losses = tokens.flatMap(({ loss }) => loss ?? []);
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / Math.max(1, losses.length);
  const token = ({ text, loss, probability }: (typeof tokens)[number]): Html => {
    if (loss === null) return html`<span>${visibleToken(text)}</span>`;
    const chance = formatPercent(probability ?? Math.exp(-loss));
    const share = Math.round((70 * Math.min(loss, FULL)) / FULL);
    return html`<span style="--c:var(--bad);--l:${share}" title="${loss.toFixed(2)} nats, ${chance}">${visibleToken(text)}</span>`;
  };
  return html`<p>What the model did not see coming is coloured: the stronger, the less likely it found the token. The mean over ${losses.length}
predicted tokens is ${mean.toFixed(3)} nats.</p><p class="tokens">${tokens.map((one) => html`${token(one)}<wbr>`)}</p>`;
}
