// Tells in which encoding of Latin letters a short text is. The statistics of bytes need more than a few
// words, which the alphabets of languages do not: all letters of a text are in that of its language.
import { decoderOf } from '../base/decoder.ts';

/** Letters beyond ASCII, by language: first of the west of Europe, as its encoding is the most usual one. */
const ALPHABETS: readonly (readonly [encoding: string, alphabets: readonly string[]])[] = [
  [
    'windows-1252',
    [
      'àâæçèéêëîïôœùûüÿ', // French, and words of it in English
      'äöüß', // German
      'áéíñóúü¡¿ªº', // Spanish
      'àáâãçéêíóôõúüªº', // Portuguese
      'àèéìîòóù', // Italian
      'àçèéíïòóúü·', // Catalan
      'äåéöæøüèà', // the languages of Scandinavia, and Finnish
      'áèéëêïíóöúü', // Dutch
    ],
  ],
  ...(['ISO-8859-2', 'windows-1250'] as const).map(
    (encoding) =>
      [
        encoding,
        [
          'ąćęłńóśźż', // Polish
          'áčďéěíňóřšťúůýž', // Czech
          'áäčďéíĺľňóôŕšťúýž', // Slovak
          'áéíóöőúüű', // Hungarian
          'ćčđšž', // Croatian and Slovene
          'âăîşţ', // Romanian
        ],
      ] as const,
  ),
];

/** Signs that texts of all these languages have. */
const SIGNS = '“”‘’„‚–—…«»€£§°';

/** From so many characters beyond ASCII on, statistics are better. */
const FEW = 40;

/**
 * The encoding in which all characters of `bytes` beyond ASCII are letters of one language, in words that
 * have other letters, too; null where there is none, or where there are many such characters.
 */
export function latinEncoding(bytes: Uint8Array): string | null {
  const odd = bytes.filter((byte) => byte >= 0x80);
  const plain = bytes.filter((byte) => isLetter(byte)).length;
  if (odd.length === 0 || odd.length >= FEW || odd.length > 2 * plain) return null;
  for (const [encoding, alphabets] of ALPHABETS) {
    const characters = [...new Set(decoderOf(encoding).decode(odd).toLowerCase())];
    const letters = characters.filter((character) => !SIGNS.includes(character));
    if (alphabets.some((alphabet) => letters.every((letter) => alphabet.includes(letter))))
      return encoding === 'windows-1252' && odd.every((byte) => byte >= 0xa0) ? 'ISO-8859-1' : encoding;
  }
  return null;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}
