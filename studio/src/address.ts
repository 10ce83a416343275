// What the address says that nothing here understands, a line each: a room or a preset that does not exist, a
// choice that nobody reads. What a room itself refuses is said there.
import { generateFields, presets, quantizeFields } from 'inkhorn';
import type { TargetName } from 'inkhorn/exchange';
import { namesOn } from './kept/files.ts';
import { fields, tokenizerChoices } from './rooms/train/plan.ts';
import { ROOMS } from './route.ts';

/** Something that is wrong with the address. */
export interface Remark {
  line: string;
  /** The choice that is taken out to mend it; null: the room. */
  choice: string | null;
}

/** Choices of two or three words: what is not one of them has no effect. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  preset: Object.keys(presets),
  lens: ['entropy'],
  follow: ['no'],
  whole: ['yes'],
};

/** Names of formats, each of which has a choice of its type. */
const DOORS: readonly Exclude<TargetName, 'peft'>[] = ['hf', 'gguf', 'onnx', 'safetensors', 'tokenizer'];

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(fields),
  ...Object.keys(tokenizerChoices),
  ...Object.keys(generateFields),
  ...Object.keys(quantizeFields),
  ...Object.keys(WORDS),
  ...DOORS,
  ...['text', 'name', 'from', 'model', 'model2', 'with', 'show', 'compare', 'prompt', 'draw'],
  ...['engine', 'threads', 'token', 'head', 'block', 'edits'],
]);

/** What is wrong with an address: `room` as it is written there. */
export async function remarksOn(room: string, choices: ReadonlyMap<string, string>): Promise<Remark[]> {
  const remarks: Remark[] = [];
  if (room !== '' && !ROOMS.some((known) => known === room))
    remarks.push({ line: `there is no room ${room}: this is Welcome`, choice: null });
  for (const [name, value] of choices) {
    const words = WORDS[name];
    if (!KNOWN.has(name)) remarks.push({ line: `nothing here is called ${name}`, choice: name });
    else if (words && !words.includes(value))
      remarks.push({
        line: `${name} ${value} is not one of ${words.join(', ')}: ${without(name)}`,
        choice: name,
      });
  }
  return [...remarks, ...(await missingRuns(choices))];
}

/** What is shown in the place of a word that is none. */
function without(name: string): string {
  return name === 'preset' ? 'tiny is shown' : 'it has no effect';
}

/** Runs that are to be shown or compared and are not here. */
async function missingRuns(choices: ReadonlyMap<string, string>): Promise<Remark[]> {
  const asked = ['show', 'compare'].flatMap((choice) =>
    (choices.get(choice) ?? '').split('/').map((name) => ({ choice, name })),
  );
  const wanted = asked.filter(({ name }) => name !== '');
  if (wanted.length === 0) return [];
  const here = new Set(await namesOn('runs').catch(() => []));
  return wanted
    .filter(({ name }) => !here.has(name))
    .map(({ choice, name }) => ({ line: `${choice} ${name}: that run is not in this browser`, choice }));
}
