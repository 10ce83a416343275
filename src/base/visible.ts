// How a token is shown on one line, the same on a terminal, in reports and in pictures: a space is `␣`, a
// line feed `\n`.

const ESCAPES: Readonly<Record<string, string>> = {
  ' ': '␣',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
};

/**
 * One character, seen: itself, `␣`, or escaped as in JavaScript where it is a backslash, a control, a format
 * or a blank.
 */
export function visibleCharacter(character: string): string {
  if (character in ESCAPES) return ESCAPES[character];
  if (!/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0) as number;
  return code < 0x80 ? visibleByte(code) : `\\u{${code.toString(16).toUpperCase()}}`;
}

/** A byte that is no character: `\xE2`. */
export function visibleByte(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * A token's text on one line; a backslash stays, since it may stand for a byte (`\xE2`). `visibleLine('
 * the')` is `␣the`.
 */
export function visibleLine(text: string): string {
  return Array.from(text, (character) => (character === '\\' ? character : visibleCharacter(character))).join(
    '',
  );
}

/** The same, cut to `most` characters. */
export function shortLine(text: string, most: number): string {
  const characters = [...visibleLine(text)];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : characters.join('');
}
