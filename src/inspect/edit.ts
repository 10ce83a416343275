// Changes named values in the middle of a pass: ablation (setting a head or unit to zero), scaling, adding a
// vector, and activation patching, which swaps in the value that another prompt had (Meng et al. 2022). Read
// next: edit-text.ts, effect.ts.
import { custom, type Field } from '../base/fields.ts';
import { formatNumbered } from '../base/format.ts';
import { such } from '../base/schema.ts';
import type { GPTConfig } from '../model/config.ts';
import { placeOf } from '../model/names.ts';
import { isTap, matchTaps, type Tap, tapColumns, tapIn } from '../model/taps.ts';
import { empty, type Tensor, tensor } from '../tensor/tensor.ts';

/** A named value of one pass over one sequence. */
export interface Captured {
  name: string;
  /** As listed in `TAPS`, with B = 1. */
  shape: readonly number[];
  value: Float32Array;
  /** dLoss/dValue, the same shape. Null unless targets were given, and for values without a gradient. */
  gradient: Float32Array | null;
}

/** A change of one or more named values. */
export interface Edit {
  /** A name, or a glob pattern (see `matchTaps`): `blocks.3.attn.heads`. */
  tap: string;
  /** Heads for `attn.heads`, columns for all other names. Default: all. */
  units?: readonly number[];
  /** Positions of the sequence; -1 is the last. Default: all. */
  positions?: readonly number[];
  change: Change;
}

/** What happens to the selected numbers. */
export type Change =
  /** All become this number; 0 is ablation. */
  | { set: number }
  | { scale: number }
  /** This is added: a number, or a vector with one number per selected column. */
  | { add: number | Float32Array }
  /**
   * They are replaced by those of another pass, at the same units and positions. Without `positions` both
   * passes must have the same number of tokens.
   */
  | { patch: Captured };

/** The option `edits` of whatever looks inside. `editTap` checks each of them against the model. */
export const editsField: Field<readonly Edit[]> = custom({
  about: 'changes to make in the pass',
  schema: such((value): value is readonly Edit[] => Array.isArray(value), 'a list of edits'),
});

/** A tap that makes `edits`, in their order. Throws for names that do not exist or cannot be edited. */
export function editTap(edits: readonly Edit[], config: GPTConfig): Tap {
  const byName = new Map<string, Edit[]>();
  for (const edit of edits) {
    for (const name of matchTaps([edit.tap], config)) {
      const { block } = placeOf(name);
      if (block !== null && isTap(name, 'attn.probs')) {
        throw new Error(`${name} can be looked at but not edited: edit ${tapIn(block, 'attn.heads')} or qkv`);
      }
      // Refuses units that do not exist before anything runs.
      columnsOf(edit, name, tapColumns(name, config), config);
      byName.set(name, [...(byName.get(name) ?? []), edit]);
    }
  }
  return {
    wants: (name) => byName.has(name),
    edit: (name, value) => (byName.get(name) ?? []).reduce((x, edit) => apply(edit, name, x, config), value),
  };
}

/**
 * `editTap` for generation, where one or a few positions are computed at a time: the same change at every
 * position. Also throws for edits of certain positions and for values of other passes, which depend on
 * positions.
 */
export function steadyEdits(edits: readonly Edit[], config: GPTConfig): Tap {
  for (const { tap, positions, change } of edits) {
    if (positions !== undefined)
      throw new Error(
        `${tap}: while text is generated an edit holds at every position: leave @${positions.join()} out`,
      );
    if ('patch' in change)
      throw new Error(
        `${tap}: a value of another text belongs to its positions: set, scale or add numbers while text is generated`,
      );
  }
  return editTap(edits, config);
}

/** Joins several taps into one. Edits are applied before values are seen. */
export function joinTaps(...taps: readonly Tap[]): Tap {
  const wanting = (name: string): Tap[] => taps.filter((tap) => tap.wants(name));
  return {
    wants: (name) => taps.some((tap) => tap.wants(name)),
    edit: (name, value) => wanting(name).reduce((x, tap) => tap.edit?.(name, x) ?? x, value),
    value(name, value): void {
      for (const tap of wanting(name)) tap.value?.(name, value);
    },
    gradient(name, gradient): void {
      for (const tap of wanting(name)) tap.gradient?.(name, gradient);
    },
  };
}

/** x [B, T, C], changed as `edit` says. */
function apply(edit: Edit, name: string, x: Tensor, config: GPTConfig): Tensor {
  const [B, T, C] = x.shape;
  const columns = columnsOf(edit, name, C, config);
  const source = sourceOf(edit, name, x, columns);
  const rows = rowsOf(edit.positions, T, name);
  const sourceRows = rowsOf(edit.positions, source.shape[1], name);
  const y = empty(x.shape, 'f32', x.backend);
  x.backend.kernels.copy(y.buffer, x.buffer);
  for (let b = 0; b < B; b++) {
    for (const [i, t] of rows.entries()) {
      const [to, from] = [(b * T + t) * C, (b * source.shape[1] + sourceRows[i]) * C];
      for (const { from: column, length } of columns) {
        x.backend.kernels.copy(y.buffer, source.buffer, to + column, from + column, length);
      }
    }
  }
  return y;
}

/**
 * The source of the changed numbers: all of x, changed, or the value of another pass, whose positions may
 * differ.
 */
function sourceOf({ change, positions }: Edit, name: string, x: Tensor, columns: readonly Run[]): Tensor {
  const { kernels } = x.backend;
  const [B, T, C] = x.shape;
  if ('patch' in change) {
    const { shape, value } = change.patch;
    if (shape[0] === B && shape[2] === C && (positions || shape[1] === T))
      return tensor(value, shape, x.backend);
    throw new Error(
      `${name}: a value [${shape.join(', ')}] cannot take the place of [${x.shape.join(', ')}]: use a text of as many tokens, or name the positions`,
    );
  }
  const y = empty(x.shape, 'f32', x.backend);
  if ('set' in change) kernels.fill(y.buffer, change.set);
  else if ('scale' in change) kernels.scale(y.buffer, x.buffer, change.scale);
  else {
    const row = spread(change.add, C, columns, name);
    const rows = Float32Array.from({ length: x.size }, (_, i) => row[i % C]);
    kernels.add(y.buffer, x.buffer, tensor(rows, x.shape, x.backend).buffer);
  }
  return y;
}

/** The number added to each of C columns. */
function spread(add: number | Float32Array, C: number, columns: readonly Run[], name: string): Float32Array {
  if (typeof add === 'number') return new Float32Array(C).fill(add);
  const vector = new Float32Array(C);
  const width = columns.reduce((n, { length }) => n + length, 0);
  if (add.length !== width) {
    throw new Error(
      `${name}: a vector of ${add.length} numbers does not fit the ${width} columns that it is added to`,
    );
  }
  let at = 0;
  for (const { from, length } of columns) {
    vector.set(add.subarray(at, at + length), from);
    at += length;
  }
  return vector;
}

/** A run of neighbouring columns. */
interface Run {
  from: number;
  length: number;
}

function columnsOf({ units }: Edit, name: string, C: number, { nHead, headSize }: GPTConfig): Run[] {
  if (units === undefined) return [{ from: 0, length: C }];
  if (isTap(name, 'attn.heads')) {
    const heads = chosen(units, nHead, 'head', name);
    return heads.map((head) => ({ from: head * headSize, length: headSize }));
  }
  return chosen(units, C, 'unit', name).map((unit) => ({ from: unit, length: 1 }));
}

/** The selected rows of T positions; -1 is the last. */
function rowsOf(positions: readonly number[] | undefined, T: number, name: string): number[] {
  if (positions === undefined) return Array.from({ length: T }, (_, t) => t);
  const rows = positions.map((t) => (t < 0 ? T + t : t));
  return [...chosen(rows, T, 'position', name)];
}

function chosen(wanted: readonly number[], count: number, what: string, name: string): readonly number[] {
  const bad = wanted.find((i) => !Number.isInteger(i) || i < 0 || i >= count);
  if (bad !== undefined) {
    throw new Error(`${name} has no ${what} ${bad}: it has ${formatNumbered(count, what)}`);
  }
  return wanted;
}
