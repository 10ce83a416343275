// The pictures of what was found inside a model.
import type { Findings } from '../runs/findings.ts';
import { attentionFigure, MAX_ATTENTION_TOKENS } from './attention-plot.ts';
import type { Figure } from './figure.ts';
import { headsFigure } from './heads-plot.ts';
import { lensFigure, MAX_LENS_TOKENS } from './lens-plot.ts';
import { MAX_LOSS_TOKENS, tokenLossFigure } from './token-loss-plot.ts';

/** `attention`, `attention-heads`, `token-loss` and `logit-lens`, as far as they were looked at and can be drawn. */
export function lookFigures({ attention, heads, tokens, lens }: Findings): Figure[] {
  const figures: Figure[] = [];
  if (attention && attention.tokens.length <= MAX_ATTENTION_TOKENS) figures.push(attentionFigure(attention));
  if (heads && heads.length > 0) figures.push(headsFigure(heads));
  if (tokens && tokens.length <= MAX_LOSS_TOKENS && tokens.some(({ loss }) => loss !== null))
    figures.push(tokenLossFigure(tokens));
  if (lens && lens.tokens.length <= MAX_LENS_TOKENS) figures.push(lensFigure(lens));
  return figures;
}
