// The text for measuring a model, however large: that of `--data`, or the one that it was trained on. Read
// next: found-text.ts, opened-text.ts.
import type { Store } from '../io/store.ts';
import type { Tokens } from '../model/batch.ts';
import type { DataRecord } from '../runs/data-record.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Dataset, datasetOf, defaultSplit, type Split } from '../train/data.ts';
import { asked, misuse } from './errors.ts';
import type { Flags, Values } from './flags.ts';
import { findText } from './found-text.ts';
import { encodeOpened, type OpenedText, openRequest, tokensFileOf } from './opened-text.ts';
import type { Output } from './output.ts';
import { recorded, recordOf, relocated, typed } from './run-text.ts';
import { asBytesFlag, dataFlag, runSplitFlags, splitOf } from './texts.ts';
import type { TextRequest } from './tokens-cache.ts';
import { fieldFlag } from './tokens-file.ts';

/** The flags about the text that a model is measured on. */
export const measuredFlags = {
  data: { ...dataFlag, initial: 'the text of the run' },
  asBytes: asBytesFlag,
  field: fieldFlag,
  ...runSplitFlags,
} satisfies Flags;

/** Which text it is. */
type Given = Pick<Values<typeof measuredFlags>, 'data' | 'asBytes' | 'field'>;

/** A text for measuring a model, before it is encoded. */
export interface MeasuredText {
  name: string;
  source: string;
  /** Whether processes that share a cache encode it one after another. */
  streamed: boolean;
  /** Its tokens, and its record with the split of the model's run. Throws as `FoundText.encode` does. */
  encode(tokenizer: Tokenizer): Promise<{ ids: Tokens; record: DataRecord }>;
}

/**
 * The text of `--data`, or the one that the model's run recorded, unchanged. The record of the result will be
 * in `folder`. Throws a misuse when there is neither.
 */
export async function openMeasuredText(
  given: Given,
  model: Store,
  output: Output,
  folder: string = model.location,
): Promise<MeasuredText> {
  const known = await recorded(model);
  const { data } = given;
  if (data !== undefined) {
    const text = await openRequest(requestOf({ ...given, data }, known?.record), output);
    const split = splitOf({}, known?.record ?? defaultSplit);
    return measured(text, async (tokenizer) => {
      const { ids, facts } = await encodeOpened(text, tokenizer, output);
      return { ids, record: recordOf(typed(data), facts, split, folder) };
    });
  }
  if (given.field !== undefined) throw misuse(`--field ${given.field} has no effect without --data`);
  if (!known) throw misuse(`--data is missing: ${model.location} does not say which text it was trained on`);
  const { text, place, encode } = await findText(known.record, known.folder, output);
  output.note(`text: ${text.source}, which the model was trained on`);
  return measured(text, async (tokenizer) => {
    const { ids } = await encode(tokenizer);
    return { ids, record: relocated(known.record, place, folder) };
  });
}

function measured({ name, source, kind }: OpenedText, encode: MeasuredText['encode']): MeasuredText {
  return { name, source, streamed: kind === 'stream', encode };
}

/** Another text is read like that of the run: byte by byte, with its separator, JSON Lines by its field. */
function requestOf(
  { data, asBytes, field }: Given & { data: readonly string[] },
  record?: DataRecord,
): TextRequest {
  if (tokensFileOf(data) !== null) return { inputs: data, asBytes: asBytes ?? false, separator: null, field };
  return {
    inputs: data,
    asBytes: asBytes ?? record?.asBytes ?? false,
    separator: record?.separator ?? null,
    field: field ?? (asBytes || !data.every(isJsonLines) ? undefined : record?.field),
  };
}

/** Whether an input is JSON Lines, by its name. */
function isJsonLines(input: string): boolean {
  return /\.(jsonl|ndjson|json)(\.gz|\.zst)?$/i.test(input);
}

/** The two parts of a text, split as asked for or as in the run, and the record that says so. */
export async function measuredDataset(
  text: MeasuredText,
  tokenizer: Tokenizer,
  given: Partial<Split> = {},
): Promise<{ data: Dataset<Tokens>; record: DataRecord }> {
  const { ids, record } = await text.encode(tokenizer);
  const split = splitOf(given, record);
  const data = await asked(() => datasetOf(ids, tokenizer, record.separator, split));
  return { data, record: { ...record, ...split } };
}
