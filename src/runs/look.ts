// A look: the findings for a run's reports. Attention, the loss of every token and the logit lens, on the
// start of the validation part. Made once, when a run ends, and saved as `look.json`.
import { jsonBytes } from '../base/json.ts';
import { attentionMaps, inductionScores, summarizeHeads } from '../inspect/attention.ts';
import { logitLens } from '../inspect/lens.ts';
import { predictText } from '../inspect/predictions.ts';
import type { Store } from '../io/store.ts';
import type { Tokens } from '../model/batch.ts';
import type { ModelFolder } from '../model/folder.ts';
import type { RunLook } from './findings.ts';
import { LOOK_FILE } from './layout.ts';

/** Number of tokens of each part: as many as fit on a page. */
const ATTENTION_TOKENS = 24;
const LOSS_TOKENS = 256;
const LENS_TOKENS = 16;
/** Digits kept of a probability. */
const DIGITS = 3;

/**
 * The findings about a model that was saved at `step`, on the first of `ids`, of which there are at least
 * two.
 */
export async function lookInside(folder: ModelFolder, ids: Tokens, step: number): Promise<RunLook> {
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

/** Saves a look in the folder of its run. */
export async function saveLook(run: Store, look: RunLook): Promise<void> {
  await run.write(LOOK_FILE, jsonBytes(look));
}
