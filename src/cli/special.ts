// The names of special tokens in a text: `--allow-special`, `--special-as-text`.
import type { SpecialOptions, Tokenizer } from '../tokenizer/index.ts';
import { misuse } from './errors.ts';
import { type Flags, toggle, type Values } from './flags.ts';

export const specialFlags = {
  allowSpecial: toggle({ about: 'names of special tokens in the text become those tokens' }),
  specialAsText: toggle({ about: 'names of special tokens are encoded like other text' }),
} satisfies Flags;

/**
 * The tokens of `text`. Throws a misuse when it contains the name of a special token and no flag says what to
 * do.
 */
export function encodeWords(
  tokenizer: Tokenizer,
  text: string | Uint8Array,
  flags: Values<typeof specialFlags>,
): Int32Array {
  return refused(() => tokenizer.encode(text, specialOptions(flags)));
}

/** The tokens of `text` in parts, each encoded when it is asked for; `onProgress` counts bytes. */
export function encodeTextParts(
  tokenizer: Tokenizer,
  text: string | Uint8Array,
  flags: Values<typeof specialFlags>,
  onProgress: (done: number, total: number) => void,
): AsyncIterable<Int32Array> {
  return refused(() => tokenizer.encodePartsAsync(text, { ...specialOptions(flags), onProgress }));
}

/** Throws a misuse when the flags contradict each other. */
export function checkSpecial({ allowSpecial, specialAsText }: Values<typeof specialFlags>): void {
  if (allowSpecial && specialAsText)
    throw misuse('--allow-special and --special-as-text contradict each other');
}

function specialOptions(flags: Values<typeof specialFlags>): SpecialOptions {
  checkSpecial(flags);
  const { allowSpecial = false, specialAsText = false } = flags;
  return {
    allowedSpecial: allowSpecial ? 'all' : 'none',
    otherSpecial: specialAsText ? 'text' : 'refuse',
  };
}

function refused<T>(encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    const [what, library] = (error as Error).message.split(': allow it');
    throw library === undefined ? error : misuse(`${what}: give --allow-special or --special-as-text`);
  }
}
