// A text as a fragment of HTML: the harder a token was to predict, the stronger its orange background. The
// title of each token has the expected tokens. The colours are translucent, so that they suit light and dark
// pages.
import { formatPercent } from '../base/format.ts';
import { visibleLine } from '../base/visible.ts';
import { escapeXml } from '../figures/svg.ts';
import type { TextPredictions, TokenPrediction } from '../inspect/predictions.ts';

/** The loss in nats from which on a token has the full colour: a probability of about 1 in 400. */
const HARDEST = 6;

/** A `<div>` with one `<span>` per token, for any page; no script, no style sheet. */
export function predictionsHtml({ tokens, loss }: TextPredictions): string {
  const mean = loss === null ? '' : ` title="mean loss ${loss.toFixed(3)} nats per token"`;
  const style =
    'white-space:pre-wrap;overflow-wrap:anywhere;font-family:ui-monospace,monospace;line-height:1.7';
  return `<div class="token-loss" style="${style}"${mean}>${tokens.map(span).join('')}</div>\n`;
}

function span(token: TokenPrediction): string {
  const { text, loss, probability, rank, expected } = token;
  if (loss === null || probability === null)
    return `<span title="nothing predicted this one">${shown(text)}</span>`;
  const strength = (0.75 * Math.min(1, loss / HARDEST)).toFixed(2);
  const others = expected.map((choice) => `${visibleLine(choice.text)} ${formatPercent(choice.probability)}`);
  const title = [
    `${visibleLine(text)}  ${formatPercent(probability)}, ${loss.toFixed(2)} nats, number ${rank}`,
    ...(others.length > 0 ? [`expected: ${others.join(', ')}`] : []),
  ].join('\n');
  return `<span style="background:rgba(213,94,0,${strength})" title="${escapeXml(title)}">${shown(text)}</span>`;
}

function shown(text: string): string {
  return escapeXml(text);
}
