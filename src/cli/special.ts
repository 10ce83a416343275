// What becomes of the names of special tokens in a text: `--allow-special`, `--special-as-text`.
import type { Tokenizer } from '../tokenizer/index.ts';
import { misuse } from './errors.ts';
import { type Flags, toggle, type Values } from './flags.ts';

export const specialFlags = {
  allowSpecial: toggle({ about: 'names of special tokens in the text become those tokens' }),
  specialAsText: toggle({ about: 'names of special tokens are encoded like other text' }),
} satisfies Flags;

/** The tokens of `text`. Throws a misuse when it holds the name of a special token and nothing says what that means. */
export function encodeText(
  tokenizer: Tokenizer,
  text: string | Uint8Array,
  { allowSpecial = false, specialAsText = false }: Values<typeof specialFlags>,
): Int32Array {
  if (allowSpecial && specialAsText)
    throw misuse('--allow-special and --special-as-text contradict each other');
  try {
    return tokenizer.encode(text, {
      allowedSpecial: allowSpecial ? 'all' : 'none',
      otherSpecial: specialAsText ? 'text' : 'refuse',
    });
  } catch (error) {
    const [what] = (error as Error).message.split(': allow it');
    throw misuse(`${what}: give --allow-special or --special-as-text`);
  }
}
