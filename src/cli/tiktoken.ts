// What a .tiktoken file does not contain: given by `--pattern` and `--special`, or known by the file's
// checksum.
import { sha256Of } from '../corpora/fetch.ts';
import { type EncodingName, encodings, patterns, type TiktokenExtras } from '../tokenizer/index.ts';
import { misuse } from './errors.ts';
import { choice, type Flags, texts, type Values } from './flags.ts';

const encodingNames = Object.keys(encodings) as EncodingName[];

export const tiktokenFlags = {
  pattern: choice(
    {
      about: `of a .tiktoken file: how it splits text (${patterns.join(', ')}), or the encoding that it is of (${encodingNames.join(', ')})`,
      argument: '<name>',
    },
    [...patterns, ...encodingNames],
  ),
  special: texts({
    about: 'of a .tiktoken file: a special token, NAME or NAME=ID; may be given several times',
    argument: '<token>',
  }),
} satisfies Flags;

/** Checksums of the published files, as listed in tiktoken. */
const PUBLISHED: ReadonlyMap<string, EncodingName> = new Map([
  ['306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930', 'r50k_base'],
  ['94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069', 'p50k_base'],
  ['223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7', 'cl100k_base'],
  ['446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d', 'o200k_base'],
]);

/** Pattern and special tokens of a .tiktoken file: from the flags, or for a published file its own. */
export function tiktokenExtras(
  bytes: Uint8Array,
  { pattern, special }: Values<typeof tiktokenFlags>,
): TiktokenExtras {
  const name =
    encodingNames.find((one) => one === pattern) ?? (pattern ? undefined : PUBLISHED.get(sha256Of(bytes)));
  const known = name && encodings[name];
  const chosen = known?.pattern ?? patterns.find((one) => one === pattern);
  if (chosen === undefined)
    throw misuse(
      `a .tiktoken file does not hold its pattern, and another one gives other ids: give --pattern (${patterns.join(', ')}, ` +
        `or the encoding that it is of: ${encodingNames.join(', ')})`,
    );
  const isKnown = special?.every((one) => known?.specialTokens.has(one)) ?? true;
  const specialTokens = special && !isKnown ? specialIds(special) : known?.specialTokens;
  return { pattern: chosen, specialTokens };
}

/** `NAME=ID` each, or names alone. */
function specialIds(given: readonly string[]): readonly string[] | ReadonlyMap<string, number> {
  const pairs = given.map((one) => /^(.+)=(\d+)$/s.exec(one));
  if (pairs.every((pair) => pair === null)) return given;
  return new Map(
    pairs.map((pair, k) => {
      if (pair === null) throw misuse(`--special ${given[k]}: give all of them as NAME=ID, or all as NAME`);
      return [pair[1], Number(pair[2])] as const;
    }),
  );
}
