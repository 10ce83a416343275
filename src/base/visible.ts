// A token on one line, the same on a terminal, in reports and in pictures: a space is `␣`, a line feed `\n`.

const ESCAPES: Readonly<Record<string, string>> = {
  ' ': '␣',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
};

/**
 * One character, made visible: `␣` for a space; backslashes, controls, format characters and other blanks
 * escaped as in JavaScript; all others as they are.
 */
export function visibleCharacter(character: string): string {
  if (character in ESCAPES) return ESCAPES[character];
  if (!/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0) as number;
  return code < 0x80 ? visibleByte(code) : `\\u{${code.toString(16).toUpperCase()}}`;
}

/** A byte that is not part of a valid character: `\xE2`. */
export function visibleByte(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * A token's text on one line. A backslash stays, since it may begin an escaped byte (`\xE2`). `visibleLine('
 * the')` is `␣the`.
 */
export function visibleLine(text: string): string {
  return Array.from(text, (character) => (character === '\\' ? character : visibleCharacter(character))).join(
    '',
  );
}

/** As `visibleLine`, cut to `most` characters. */
export function shortLine(text: string, most: number): string {
  const characters = [...visibleLine(text)];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : characters.join('');
}
