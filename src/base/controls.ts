// Control characters, which steer a terminal instead of standing in a line: finds them and makes them
// visible.

/**
 * C0, DEL and C1 controls except line feed and tab; characters that change the direction of writing (Unicode
 * Standard Annex 9: embeddings, overrides, isolates); the separators of lines and paragraphs.
 */
const CONTROLS = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu;

/** `text` with its control characters written as `\x1b` or `\u202e`. Line feeds and tabs stay. */
export function revealControls(text: string): string {
  return text.replace(CONTROLS, reveal);
}

/** `text` on one line: as `revealControls`, and line feeds and tabs are written as `\x0a` and `\x09`. */
export function revealLine(text: string): string {
  return revealControls(text).replace(/[\n\t]/g, reveal);
}

/**
 * The same JSON value, with every control character in its strings escaped. `JSON.stringify` escapes only
 * those below U+0020.
 */
export function revealJson(json: string): string {
  return json.replace(CONTROLS, (character) => `\\u${hex(character, 4)}`);
}

function reveal(character: string): string {
  return character < '\u0100' ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
