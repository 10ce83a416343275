// What the room finds in a model for a text, computed in the worker. One look goes on at a time: what is
// asked for meanwhile is looked at when it is done, and only the newest of it.
import {
  type AttentionMaps,
  type Edit,
  type EditEffect,
  type HeadSummary,
  type Lens,
  type LibraryWorker,
  summarizeHeads,
  type WorkerModel,
} from 'inkhorn';
import { visibleLine } from 'inkhorn/figures';
import { useEffect, useRef, useState } from 'preact/hooks';
import { inTurn } from '../../engine.ts';
import { LIVE, openModel } from '../../kept/models.ts';
import { complain } from '../../notices.ts';
import { training } from '../../training.ts';
import { editsFor } from './edits.ts';

/** Tokens that are looked at: attention takes memory with the square of their number. */
export const MOST_TOKENS = 256;

/** What to look at. */
export interface Asked {
  model: string;
  prompt: string;
  /** As written. */
  edits: readonly string[];
  /** Another number looks again. */
  round: number;
}

/** Everything found, with the edits in place. */
export interface Look {
  asked: Asked;
  model: WorkerModel;
  /** The step of a model that is being trained; null for the others. */
  step: number | null;
  ids: Int32Array;
  /** The tokens for people: `␣the`. */
  tokens: readonly string[];
  /** Tokens of the prompt that were left out at its end. */
  left: number;
  edits: readonly Edit[];
  refused: readonly { text: string; reason: string }[];
  effect: EditEffect;
  attention: AttentionMaps;
  heads: readonly HeadSummary[];
  lens: Lens;
  /** What the model goes on with, always the most likely token: without and with the edits. Null: not yet. */
  before: string | null;
  after: string | null;
}

/** The newest look, and whether one goes on. */
export function useLook(asked: Asked): { look: Look | null; busy: boolean } {
  const [look, setLook] = useState<Look | null>(null);
  const [busy, setBusy] = useState(false);
  const wanted = useRef<Asked | null>(null);
  const looking = useRef(false);
  const there = useRef(true);
  const pump = async (): Promise<void> => {
    if (looking.current) return;
    looking.current = true;
    setBusy(true);
    while (wanted.current && there.current) {
      const next = wanted.current;
      wanted.current = null;
      try {
        const isOld = (): boolean => wanted.current !== null || !there.current;
        await lookAt(next, setLook, isOld);
      } catch (error) {
        if (!wanted.current && there.current) complain(error);
      }
    }
    looking.current = false;
    if (there.current) setBusy(false);
  };
  useEffect(() => {
    wanted.current = asked;
    void pump();
  }, [asked.model, asked.prompt, asked.edits.join('|'), asked.round]);
  useEffect(() => {
    there.current = true;
    return () => {
      there.current = false;
    };
  }, []);
  return { look, busy };
}

/**
 * Looks, and passes on what is found in two parts: first what one pass through the model shows, then what
 * takes longer. The second part is left out when another look is wanted meanwhile.
 */
async function lookAt(asked: Asked, found: (look: Look) => void, isOld: () => boolean): Promise<void> {
  const model = await openModel(asked.model);
  const all = model.tokenizer.encode(asked.prompt);
  if (all.length === 0) throw new Error('there is no text to look at: write one');
  const ids = all.slice(0, Math.min(MOST_TOKENS, model.config.blockSize));
  const { edits, refused } = editsFor(asked.edits, model.config);
  const first = await inTurn(async (worker) => ({
    step: asked.model === LIVE ? (training.value?.step.value ?? null) : null,
    effect: await worker.editEffect(model, ids, edits),
    attention: await worker.attentionMaps(model, ids, { edits }),
    lens: await worker.logitLens(model, ids, { edits }),
  }));
  const look: Look = {
    ...{ asked, model, ids, edits, refused, left: all.length - ids.length, ...first },
    tokens: Array.from(ids, (id) => visibleLine(model.tokenizer.tokenText(id)) || '∅'),
    heads: await summaries(first.attention, knownScores(model, first.step)),
    before: null,
    after: null,
  };
  if (isOld()) return;
  found(look);
  const second = await inTurn(async (worker) => {
    const before = await continuation(worker, model, ids, []);
    const after = edits.length > 0 ? await continuation(worker, model, ids, edits) : before;
    const scores = knownScores(model, look.step) ?? (await worker.inductionScores(model));
    return { before, after, scores };
  });
  const { scores, ...texts } = second;
  if (scores) inductions.set(model, { step: look.step, scores });
  const heads = look.heads.map((head, i) => ({ ...head, induction: scores?.[i] ?? null }));
  if (!isOld()) found({ ...look, ...texts, heads });
}

/** Induction scores, which do not depend on the text. */
const inductions = new WeakMap<WorkerModel, { step: number | null; scores: number[] }>();

function knownScores(model: WorkerModel, step: number | null): number[] | null {
  const known = inductions.get(model);
  return known?.step === step ? known.scores : null;
}

/** Tokens that the text is gone on with. */
const GO_ON = 40;

async function continuation(
  worker: LibraryWorker,
  model: WorkerModel,
  prompt: Int32Array,
  edits: readonly Edit[],
): Promise<string> {
  let text = '';
  const options = { prompt, maxTokens: GO_ON, temperature: 0, edits: edits.length > 0 ? edits : undefined };
  for await (const event of worker.generate(model, options)) text += event.text;
  return text;
}

/** Time that is taken from the page at once, ms. */
const SLICE = 8;

/** `summarizeHeads`, head by head, so that the page goes on meanwhile. */
async function summaries(attention: AttentionMaps, induction: number[] | null): Promise<HeadSummary[]> {
  const { layers, heads, tokens, probabilities } = attention;
  const found: HeadSummary[] = [];
  let begun = performance.now();
  for (let i = 0; i < layers * heads; i++) {
    const part = probabilities.subarray(i * tokens * tokens, (i + 1) * tokens * tokens);
    const one = { layers: 1, heads: 1, tokens, probabilities: part };
    const [summary] = summarizeHeads(one, induction && [induction[i]]);
    found.push({ ...summary, layer: Math.floor(i / heads), head: i % heads });
    if (performance.now() - begun < SLICE) continue;
    await new Promise((resolve) => setTimeout(resolve));
    begun = performance.now();
  }
  return found;
}
