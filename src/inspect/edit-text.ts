// The text form of edits: `blocks.3.attn.heads[2]=0`. Read next: edit.ts.
import type { GPT } from '../model/gpt.ts';
import { matchTaps } from '../model/taps.ts';
import { capture } from './capture.ts';
import type { Edit } from './edit.ts';

/** The syntax of an edit in one line, for messages and help. */
export const EDIT_SYNTAX =
  "TAP[UNITS]@POSITIONS=0, *=2, +=0.5 or <-TEXT (the value that another text has there), such as 'blocks.0.attn.heads[2]@-1=0'; units and positions may be left out";

/** An edit as written. `from` is the text whose value is swapped in. */
export interface WrittenEdit extends Omit<Edit, 'change'> {
  change: Exclude<Edit['change'], { patch: unknown }> | { from: string };
}

const EDIT =
  /^(?<tap>.+?)(?:\[(?<units>[^\]]*)\])?(?:@(?<positions>[-\d.,]*))?(?<sign>\*=|\+=|<-|=)(?<value>.*)$/s;

/**
 * Parses one edit. Throws when it is not valid, and shows the syntax.
 *
 * @example parseEdit('blocks.1.mlp.act[17,30..40]@-1*=2') // units 17 and 30 to 40, last position, doubled
 */
export function parseEdit(text: string): WrittenEdit {
  const { tap, units, positions, sign, value } = text.match(EDIT)?.groups ?? {};
  if (tap === undefined) throw new Error(`'${text}' is no edit: write ${EDIT_SYNTAX}`);
  const where = {
    tap,
    ...(units !== undefined && { units: numbers(units, text) }),
    ...(positions !== undefined && { positions: numbers(positions, text) }),
  };
  if (sign === '<-') return { ...where, change: { from: value } };
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) {
    throw new Error(`'${text}': '${value}' is not a number; write ${EDIT_SYNTAX}`);
  }
  const change = { '=': { set: number }, '*=': { scale: number }, '+=': { add: number } }[
    sign as '=' | '*=' | '+='
  ];
  return { ...where, change };
}

/** `3,5..7` -> 3, 5, 6, 7 */
function numbers(list: string, edit: string): number[] {
  return list.split(',').flatMap((item) => {
    const range = item.match(/^(-?\d+)(?:\.\.(-?\d+))?$/);
    const [from, to] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
    if (!range || to < from)
      throw new Error(`'${edit}': '${item}' is not a number or a range like 2..5; write ${EDIT_SYNTAX}`);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/**
 * Turns written edits into edits: captures the values of other texts from `model`. `encode` makes tokens of
 * those texts.
 */
export async function resolveEdits(
  model: GPT,
  written: readonly WrittenEdit[],
  encode: (text: string) => Int32Array,
): Promise<Edit[]> {
  const edits: Edit[] = [];
  for (const { change, ...where } of written) {
    if (!('from' in change)) {
      edits.push({ ...where, change });
      continue;
    }
    const taps = matchTaps([where.tap], model.config);
    for (const patch of await capture(model, encode(change.from), { taps })) {
      edits.push({ ...where, tap: patch.name, change: { patch } });
    }
  }
  return edits;
}
