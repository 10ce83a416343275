// A look inside the best model of a run, for its reports: attention, the loss of every token and the logit lens on the start of the
// validation part. Made once, when a run ends, and kept as `look.json`. Read next: page/look.ts.
import { jsonBytes } from '../base/json.ts';
import { attentionMaps, type HeadSummary, inductionScores, summarizeHeads } from '../inspect/attention.ts';
import { type Lens, logitLens } from '../inspect/lens.ts';
import { predictText, type TokenPrediction } from '../inspect/predictions.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import type { ModelFolder } from '../model/folder.ts';
import { type AttentionMaps, attentionFigure, MAX_ATTENTION_TOKENS } from './attention-plot.ts';
import type { Figure } from './figure.ts';
import { headsFigure } from './heads-plot.ts';
import { lensFigure, MAX_LENS_TOKENS } from './lens-plot.ts';
import { lookFile } from './look-schema.ts';
import { LOOK_FILE } from './run-record.ts';
import { MAX_LOSS_TOKENS, type TokenLoss, tokenLossFigure } from './token-loss-plot.ts';

/** Probabilities [layers, heads, T, T] as they are kept in JSON. */
export type SavedAttention = Omit<AttentionMaps, 'probabilities'> & { probabilities: readonly number[] };

/** What a token cost; what was expected in its place, where that was kept. */
export type SavedLoss = TokenLoss & Partial<Pick<TokenPrediction, 'probability' | 'expected'>>;

/** What a report shows of the inside of a model. */
export interface Looks {
  attention?: SavedAttention;
  heads?: readonly HeadSummary[];
  tokens?: readonly SavedLoss[];
  lens?: Lens;
}

/** What `look.json` holds. */
export interface RunLook extends Looks {
  /** Of the checkpoint that was looked at. */
  step: number;
}

/** Tokens of each part: what a page has room for. */
const ATTENTION_TOKENS = 24;
const LOSS_TOKENS = 256;
const LENS_TOKENS = 16;
/** Digits of a probability that are kept. */
const DIGITS = 3;

/** Looks inside a model that was saved at `step`, on the first of `ids`, of which there are two or more. */
export async function lookInside(folder: ModelFolder, ids: Int32Array, step: number): Promise<RunLook> {
  const { model, tokenizer } = folder;
  const room = (tokens: number): Int32Array => ids.subarray(0, Math.min(tokens, model.config.blockSize));
  const prompt = room(ATTENTION_TOKENS);
  const maps = await attentionMaps(model, prompt);
  const { tokens } = await predictText(folder, ids.subarray(0, LOSS_TOKENS), { top: 3 });
  return {
    step,
    attention: {
      ...maps,
      tokens: Array.from(prompt, (id) => tokenizer.tokenText(id)),
      probabilities: Array.from(maps.probabilities, (p) => Number(p.toFixed(DIGITS))),
    },
    heads: summarizeHeads(maps, await inductionScores(model)),
    tokens,
    lens: await logitLens(folder, room(LENS_TOKENS), { top: 3 }),
  };
}

/** Keeps a look in the folder of its run. */
export async function saveLook(run: Store, look: RunLook): Promise<void> {
  await run.write(LOOK_FILE, jsonBytes(look));
}

/** The step of the model that was looked at; null where nothing is kept. */
export async function lookedAt(run: Store): Promise<number | null> {
  if (!(await run.exists(LOOK_FILE))) return null;
  return (await readJsonFile(run, LOOK_FILE, lookFile)).step;
}

/** `attention`, `attention-heads`, `token-loss` and `logit-lens`, as far as they were looked at and can be drawn. */
export function lookFigures({ attention, heads, tokens, lens }: Looks): Figure[] {
  const figures: Figure[] = [];
  if (attention && attention.tokens.length <= MAX_ATTENTION_TOKENS) figures.push(attentionFigure(attention));
  if (heads && heads.length > 0) figures.push(headsFigure(heads));
  if (tokens && tokens.length <= MAX_LOSS_TOKENS && tokens.some(({ loss }) => loss !== null))
    figures.push(tokenLossFigure(tokens));
  if (lens && lens.tokens.length <= MAX_LENS_TOKENS) figures.push(lensFigure(lens));
  return figures;
}
