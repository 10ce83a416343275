// The findings about the model of a run: in `look.json`, made for its reports when it ends (look.ts), and in
// the folder of `inspect --out`, one file each. A finding has the step of the checkpoint that it is about.
import {
  array,
  type Fields,
  integer,
  nullable,
  number,
  object,
  optional,
  type Schema,
  string,
  where,
} from '../base/schema.ts';
import type { HeadSummary } from '../inspect/attention.ts';
import type { Ablations } from '../inspect/effect.ts';
import type { Neighbours } from '../inspect/embedding.ts';
import type { Lens, LensCell } from '../inspect/lens.ts';
import type { TokenPrediction } from '../inspect/predictions.ts';
import type { TapSummary } from '../inspect/probe.ts';
import type { TokenChoice } from '../inspect/prompt.ts';
import { readJsonFile } from '../io/json-file.ts';
import type { Store } from '../io/store.ts';
import type { GPTConfig } from '../model/config.ts';
import { summary, type TapFacts, tapFacts, tapSummary } from '../train/event-schema.ts';
import { INSPECT_FOLDER, LOOK_FILE } from './layout.ts';

/** Attention probabilities, as stored in JSON. */
export interface SavedAttention {
  /** Text of each of the T tokens. */
  tokens: readonly string[];
  layers: number;
  heads: number;
  /** [layers, heads, T, T] */
  probabilities: readonly number[];
}

/** The loss of a token, and the tokens that were expected, if stored. */
export type SavedLoss = Pick<TokenPrediction, 'text' | 'loss'> &
  Partial<Pick<TokenPrediction, 'probability' | 'rank' | 'expected'>>;

/** How much edits changed the loss of each token of a text. */
export interface LossChange {
  /** The edits as written, `blocks.3.attn.heads[2]=0`. */
  edits: string;
  tokens: readonly {
    text: string;
    /** Nats: above 0 the token became harder to predict. Null for the first token. */
    change: number | null;
    /** Loss (nats) and expected tokens after the edits. Absent in development versions. */
    before?: number | null;
    after?: number | null;
    expected?: readonly TokenChoice[];
  }[];
}

/** Similarity of the vectors of all positions. */
export interface SavedPositions {
  positions: number;
  /** Cosines, [positions, positions]. */
  cosines: readonly number[];
}

/** The findings about one model. Each may be about a different text or batch. */
export interface Findings {
  /** The outputs of the activations over a batch, measured outside of training. */
  activations?: readonly TapSummary[];
  /** Other named values over a batch. */
  taps?: readonly TapSummary[];
  attention?: SavedAttention;
  heads?: readonly HeadSummary[];
  tokens?: readonly SavedLoss[];
  lens?: Lens;
  ablation?: Ablations;
  edit?: LossChange;
  neighbours?: readonly Neighbours[];
  positions?: SavedPositions;
}

/** The contents of `look.json`. */
export interface RunLook extends Pick<Findings, 'attention' | 'heads' | 'tokens' | 'lens'> {
  /** Step of the checkpoint that the findings are about. */
  step: number;
}

// ---- contents of the files -------------------------------------------------------------------------------

const count = integer({ min: 0 });
const share = number({ min: 0, max: 1 });
/** Losses, entropies, sums of shares: not negative, except for rounding. */
const nats = number({ min: -1e-3 });
const cosine = number({ min: -1.001, max: 1.001 });

const attention: Schema<SavedAttention> = where(
  object<SavedAttention>({
    tokens: array(string, { min: 1 }),
    layers: integer({ min: 1 }),
    heads: integer({ min: 1 }),
    probabilities: array(share),
  }),
  ({ tokens: { length: T }, layers, heads, probabilities: { length } }) =>
    length === layers * heads * T * T
      ? null
      : `${length} probabilities are not layers ${layers} x heads ${heads} x ${T} x ${T} tokens`,
);

const heads: Schema<HeadSummary[]> = array(
  object<HeadSummary>({
    layer: count,
    head: count,
    entropy: nats,
    distance: number({ min: 0 }),
    previous: nats,
    self: nats,
    first: nats,
    induction: nullable(nats),
  }),
);

const choice = object<TokenChoice>({ id: count, text: string, probability: share });

const losses: Schema<SavedLoss[]> = array(
  object<SavedLoss>({
    text: string,
    loss: nullable(nats),
    probability: optional(nullable(share)),
    rank: optional(nullable(integer({ min: 1 }))),
    expected: optional(array(choice)),
  }),
);

const lens: Schema<Lens> = where(
  object<Lens>({
    tokens: array(object({ id: count, text: string }), { min: 1 }),
    rows: array(
      object({
        name: string,
        cells: array(
          object<LensCell>({
            top: array(choice, { min: 1 }),
            entropy: nats,
            kl: nats,
            actual: nullable(share),
          }),
        ),
      }),
      { min: 1 },
    ),
  }),
  ({ tokens, rows }) => {
    const wrong = rows.findIndex(({ cells }) => cells.length !== tokens.length);
    return wrong < 0
      ? null
      : `rows[${wrong}] has ${rows[wrong].cells.length} cells for ${tokens.length} tokens`;
  },
);

const ablation: Schema<Ablations> = where(
  object<Ablations>({
    loss: number(),
    heads: array(array(number(), { min: 1 }), { min: 1 }),
    attention: array(number()),
    mlp: array(number()),
  }),
  ({ heads, attention, mlp }) =>
    heads.every(({ length }) => length === heads[0].length) &&
    attention.length === heads.length &&
    mlp.length === heads.length
      ? null
      : `heads, attention and mlp are not of the same ${heads.length} blocks`,
);

const lossChange: Schema<LossChange> = object<LossChange>({
  edits: string,
  tokens: array(
    object<LossChange['tokens'][number]>({
      text: string,
      change: nullable(number()),
      before: optional(nullable(nats)),
      after: optional(nullable(nats)),
      expected: optional(array(choice)),
    }),
    { min: 1 },
  ),
});

const neighbours: Schema<Neighbours[]> = array(
  object<Neighbours>({
    id: count,
    text: string,
    nearest: array(object({ id: count, text: string, cosine })),
  }),
  { min: 1 },
);

const positions: Schema<SavedPositions> = where(
  object<SavedPositions>({ positions: integer({ min: 1 }), cosines: array(cosine) }),
  ({ positions: T, cosines: { length } }) =>
    length === T * T ? null : `${length} cosines are not ${T} x ${T} positions`,
);

/** A finding, and the step of the checkpoint that it is about. */
interface Dated<T> {
  /** Null: the model is not a checkpoint of a run. Undefined: not recorded (development versions). */
  step: number | null | undefined;
  found: T;
}

const stepField = object<{ step?: number | null }>({ step: optional(nullable(count)) });

function dated<T>(schema: Schema<T>): Schema<Dated<T>> {
  return (value) => ({
    step: Array.isArray(value) ? undefined : stepField(value).step,
    found: schema(value),
  });
}

/** A list in the field `name` of its document. In development versions the document was the list. */
function listed<T extends readonly unknown[]>(name: string, schema: Schema<T>): Schema<T> {
  const field = object<{ [name: string]: T }>({ [name]: schema } as Fields<{ [name: string]: T }>);
  return (value) => (Array.isArray(value) ? schema(value) : field(value)[name]);
}

/** The files of `inspect --out`: for each finding the name without extension, and the contents. */
const files: {
  [K in Exclude<keyof Findings, 'activations'>]-?: readonly [name: string, Schema<NonNullable<Findings[K]>>];
} = {
  taps: ['taps', listed('taps', array(tapSummary, { min: 1 }))],
  attention: ['attention', attention],
  heads: ['attention-heads', listed('heads', heads)],
  tokens: ['token-loss', listed('tokens', losses)],
  lens: ['logit-lens', lens],
  ablation: ['ablation', ablation],
  edit: ['loss-change', lossChange],
  neighbours: ['token-neighbours', listed('neighbours', neighbours)],
  positions: ['position-similarity', positions],
};

/** `look.json` */
const lookFile: Schema<RunLook> = object<RunLook>({
  step: count,
  attention: optional(attention),
  heads: optional(heads as Schema<NonNullable<Findings['heads']>>),
  tokens: optional(losses as Schema<NonNullable<Findings['tokens']>>),
  lens: optional(lens),
});

// ---- reading ---------------------------------------------------------------------------------------------

/** `look.json` of the run in `store`; null where there is none. */
export async function readLook(store: Store): Promise<RunLook | null> {
  return (await store.exists(LOOK_FILE)) ? readJsonFile(store, LOOK_FILE, lookFile) : null;
}

/** The findings, and remarks about those left out. */
export interface CurrentFindings {
  findings: Findings;
  /** One line for each finding about another checkpoint than the model's. */
  notes: string[];
}

/**
 * All findings about the model of the run in `store`, which is at `step` (null: unknown). Findings in
 * `inspect/`, which somebody asked for, replace those made for the reports. Findings of another step are left
 * out, with a note. Findings without a step are used only if there is nothing else.
 */
export async function readFindings(
  store: Store,
  { step, activation }: { step: number | null; activation: GPTConfig['activation'] },
): Promise<CurrentFindings> {
  const notes: string[] = [];
  const fits = (file: string, found: number | null): boolean => {
    if (step === null || found === step) return true;
    const of = found === null ? 'is of a model outside the run' : `is of step ${found}`;
    notes.push(`${file} ${of}, the model of the run of step ${step}: it is not in the report`);
    return false;
  };
  const look = await readLook(store);
  // Findings of an earlier checkpoint are made again before a report, so no note is needed.
  const own: Findings = look && (step === null || look.step === step) ? look : {};
  const [asked, unsure] = await readAsked(store.folder(INSPECT_FOLDER), activation, fits);
  return { findings: [asked, own, unsure].reduce(filledUp), notes };
}

/**
 * `a`, with fields that it lacks taken from `b`. Maps and scores of heads are about one text, so both come
 * from the same side.
 */
function filledUp(a: Findings, { attention, heads, ...b }: Findings): Findings {
  return a.attention || a.heads ? { ...b, ...a } : { ...b, attention, heads, ...a };
}

/** The findings in `inspect/`: those that `fits` accepts, and those without a step. */
async function readAsked(
  store: Store,
  activation: string,
  fits: (file: string, step: number | null) => boolean,
): Promise<[asked: Findings, unsure: Findings]> {
  const [asked, unsure]: [Findings, Findings] = [{}, {}];
  const there = new Set(await store.list());
  const place = (name: string, step: number | null | undefined): Findings | null => {
    if (step === undefined) return unsure;
    return fits(`${store.location}/${name}`, step) ? asked : null;
  };
  for (const [key, [base, schema]] of Object.entries(files)) {
    const name = `${base}.json`;
    if (!there.has(name)) continue;
    const { step, found } = await readJsonFile(store, name, dated<unknown>(schema));
    const findings = place(name, step);
    if (findings) Object.assign(findings, { [key]: found });
  }
  const [values, gradients] = ['activations', 'gradients'].map((kind) => `${activation}-${kind}.json`);
  if (there.has(values)) {
    const { step, found } = await readJsonFile(store, values, measuredTaps);
    const slopes = there.has(gradients) ? await readJsonFile(store, gradients, measuredTaps) : null;
    const findings = place(values, step);
    if (findings) findings.activations = joined(found, slopes && slopes.step === step ? slopes.found : []);
  }
  return [asked, unsure];
}

type MeasuredTap = TapSummary['value'] & TapFacts;

/** `relu-activations.json` and `relu-gradients.json`: one distribution each. */
const measuredTaps: Schema<Dated<MeasuredTap[]>> = dated(
  listed(
    'taps',
    array((value) => ({ ...summary(value), ...tapFacts(value) }), { min: 1 }),
  ),
);

/** Values and gradients of the activations are two pictures, and two files. */
function joined(values: readonly MeasuredTap[], gradients: readonly MeasuredTap[]): TapSummary[] {
  return values.map(({ name, zeroFraction, deadUnits, units, windowTokens, ...value }) => {
    const gradient = gradients.find((other) => other.name === name) ?? null;
    return { name, value, gradient, zeroFraction, deadUnits, units, windowTokens };
  });
}
