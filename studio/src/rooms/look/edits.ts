// Changes inside the model, which the address lists in the words of the command line:
// `edits=blocks.2.attn.heads[3]=0|blocks.0.mlp.act[17]*=2`.
import { type Edit, editTap, type GPTConfig, parseEdit } from 'inkhorn';
import { choice, choose } from '../../route.ts';

/** Does not occur in an edit. */
const BETWEEN = '|';

/** The edits that are on, as written. */
export function writtenEdits(): string[] {
  return (choice('edits') ?? '').split(BETWEEN).filter((text) => text !== '');
}

function setEdits(texts: readonly string[]): void {
  choose({ edits: texts.join(BETWEEN) || null });
}

/** Adds an edit. Another one of the same place is replaced: its last word counts. */
export function addEdit(text: string): void {
  readEdit(text); // throws when it is none
  setEdits([...writtenEdits().filter((other) => placeOf(other) !== placeOf(text)), text]);
}

/** What an edit changes, as written: everything before its sign. */
function placeOf(text: string): string {
  return text.split(/\*=|\+=|<-|=/, 1)[0];
}

export function removeEdit(text: string): void {
  setEdits(writtenEdits().filter((other) => other !== text));
}

export function removeAllEdits(): void {
  setEdits([]);
}

/** Switches the head off, or on again. */
export function toggleHead(layer: number, head: number): void {
  const text = headOff(layer, head);
  if (writtenEdits().includes(text)) removeEdit(text);
  else addEdit(text);
}

export function headOff(layer: number, head: number): string {
  return `blocks.${layer}.attn.heads[${head}]=0`;
}

export function unitScaled(layer: number, unit: number, factor: number): string {
  return `blocks.${layer}.mlp.act[${unit}]*=${factor}`;
}

/** One edit. Throws one line when it is not valid here. */
export function readEdit(text: string): Edit {
  const { change, ...where } = parseEdit(text);
  if ('from' in change)
    throw new Error(`${text}: a value of another text is taken by \`inkhorn inspect edit\` only`);
  return { ...where, change };
}

/** The edits in the address that fit the model, and the reason why others do not. */
export function editsFor(
  texts: readonly string[],
  config: GPTConfig,
): { edits: Edit[]; refused: readonly { text: string; reason: string }[] } {
  const edits: Edit[] = [];
  const refused: { text: string; reason: string }[] = [];
  for (const text of texts) {
    try {
      const edit = readEdit(text);
      editTap([edit], config);
      edits.push(edit);
    } catch (error) {
      refused.push({ text, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { edits, refused };
}

/** What people call it: `head 2.3 is off`, `unit 17 of block 0, times 2`. */
export function titleOfEdit(text: string): string {
  const head = text.match(/^blocks\.(\d+)\.attn\.heads\[(\d+)\]=0$/);
  if (head) return `head ${head[1]}.${head[2]} is off`;
  const unit = text.match(/^blocks\.(\d+)\.mlp\.act\[(\d+)\]\*=(.+)$/);
  if (!unit) return text;
  const [, layer, number, factor] = unit;
  const what = `unit ${number} of block ${layer}`;
  return Number(factor) === 0 ? `${what} is off` : `${what} times ${factor}`;
}
