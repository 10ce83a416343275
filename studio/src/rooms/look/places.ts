// Which token, head and block the address names, and what is shown where it names one that is not there.
import { kindsOf } from 'inkhorn';
import { choice } from '../../route.ts';
import type { Look } from './looking.ts';
import type { HeadIndex } from './maps.ts';

/** The whole number from 0 to `count` - 1 that a text is; null if it is none. */
function indexFrom(text: string | null | undefined, count: number): number | null {
  return /^\d+$/.test(text ?? '') && Number(text) < count ? Number(text) : null;
}

/** The token in the address, or the last one. */
export function chosenToken(tokens: number): number {
  return indexFrom(choice('token'), tokens) ?? Math.max(0, tokens - 1);
}

/** The block in the address, or the first one. */
export function chosenBlock(blocks: number): number {
  return indexFrom(choice('block'), blocks) ?? 0;
}

/** The head in the address, if the model has it; else the one that looks most like something. */
export function chosenHead({ attention, heads }: Look): HeadIndex {
  return headIn(attention) ?? heads.find((one) => kindsOf(one).length > 0) ?? heads[0];
}

function headIn({ layers, heads }: Look['attention']): HeadIndex | null {
  const [layer, head, ...rest] = (choice('head') ?? '').split('.');
  const [l, h] = [indexFrom(layer, layers), indexFrom(head, heads)];
  return l === null || h === null || rest.length > 0 ? null : { layer: l, head: h };
}

/** What is wrong with the places in the address, one line each. */
export function oddPlaces(look: Look): string[] {
  const { tokens, attention, model } = look;
  const { nLayer } = model.config;
  const odd: string[] = [];
  const [token, head, block] = ['token', 'head', 'block'].map((name) => choice(name));
  if (token !== null && indexFrom(token, tokens.length) === null)
    odd.push(`token ${token} is not one of 0 to ${tokens.length - 1}: the last one is shown`);
  if (head !== null && headIn(attention) === null) {
    const shown = chosenHead(look);
    odd.push(
      `head ${head} is not one of 0.0 to ${nLayer - 1}.${attention.heads - 1}: ${shown.layer}.${shown.head} is shown`,
    );
  }
  if (block !== null && indexFrom(block, nLayer) === null)
    odd.push(`block ${block} is not one of 0 to ${nLayer - 1}: the first one is shown`);
  return odd;
}
