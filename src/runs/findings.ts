// What was found inside the model of a run: in `look.json`, made for its reports when it ends (look.ts), and
// in the folder that `inspect --out` was given, one file each. A finding carries the step of the checkpoint
// that it was made of.
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

/** Who attends to whom, as it is kept in JSON. */
export interface SavedAttention {
  /** Text of each of the T tokens. */
  tokens: readonly string[];
  layers: number;
  heads: number;
  /** [layers, heads, T, T] */
  probabilities: readonly number[];
}

/** What a token cost; what was expected in its place, where that was kept. */
export type SavedLoss = Pick<TokenPrediction, 'text' | 'loss'> &
  Partial<Pick<TokenPrediction, 'probability' | 'rank' | 'expected'>>;

/** By how much edits changed the loss of each token of a text. */
export interface LossChange {
  /** As they were written, `blocks.3.attn.heads[2]=0`. */
  edits: string;
  tokens: readonly {
    text: string;
    /** Nats: above 0 the edits made it harder. Null for the first token. */
    change: number | null;
    /** Loss, nats, and what is expected in its place now; left out by the versions before 0.2. */
    before?: number | null;
    after?: number | null;
    expected?: readonly TokenChoice[];
  }[];
}

/** How alike the vectors of all positions are. */
export interface SavedPositions {
  positions: number;
  /** [positions, positions]: cosines. */
  cosines: readonly number[];
}

/** What is known of the inside of a model; each part of a text, or a batch, of its own. */
export interface Findings {
  /** The outputs of the activations over a batch, outside of training. */
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

/** What `look.json` holds. */
export interface RunLook extends Pick<Findings, 'attention' | 'heads' | 'tokens' | 'lens'> {
  /** Of the checkpoint that was looked at. */
  step: number;
}

// ---- what the files hold ---------------------------------------------------------------------------------

const count = integer({ min: 0 });
const share = number({ min: 0, max: 1 });
/** Losses, entropies, sums of shares: none is negative, but for rounding. */
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

/** A finding, and the step of the checkpoint that it was made of. */
interface Dated<T> {
  /** Null: of a model that is no checkpoint of a run. Undefined: the versions before 0.2 did not note it. */
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

/** A list that lies in the field `name` of its document; before 0.2 it was the document. */
function listed<T extends readonly unknown[]>(name: string, schema: Schema<T>): Schema<T> {
  const field = object<{ [name: string]: T }>({ [name]: schema } as Fields<{ [name: string]: T }>);
  return (value) => (Array.isArray(value) ? schema(value) : field(value)[name]);
}

/** One file of `inspect --out` for each part: its name without ending, and what it holds. */
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

/** What was found, and what is left out of it. */
export interface CurrentFindings {
  findings: Findings;
  /** One line for each finding that is of another checkpoint than the model. */
  notes: string[];
}

/**
 * All that is known of the model of the run in `store`, which is of `step` (null: nothing says so). What
 * somebody asked for, in `inspect/`, takes the place of what was looked at for the reports. What is of
 * another step is left out, and noted; what does not say of which step it is stands in only where there is
 * nothing else.
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
  // One of an earlier checkpoint is made again before a report: nothing to note.
  const own: Findings = look && (step === null || look.step === step) ? look : {};
  const [asked, unsure] = await readAsked(store.folder(INSPECT_FOLDER), activation, fits);
  return { findings: [asked, own, unsure].reduce(filledUp), notes };
}

/** `a`, and of `b` what it lacks. Maps and scores of heads are of one text: both come from the same place. */
function filledUp(a: Findings, { attention, heads, ...b }: Findings): Findings {
  return a.attention || a.heads ? { ...b, ...a } : { ...b, attention, heads, ...a };
}

/** What lies in `inspect/`: what `fits`, and what does not say of which step it is. */
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

/** `relu-activations.json` and `relu-gradients.json`: one distribution of each. */
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
