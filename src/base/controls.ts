// Characters that steer a terminal instead of standing in a line: found, and written so that they are seen.

/**
 * C0, DEL and C1 controls but for the line feed and the tab; what turns the direction of writing (Unicode
 * Standard Annex 9: embeddings, overrides, isolates); the separators of lines and paragraphs.
 */
const CONTROLS = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu;

/** `text` with its control characters as `\x1b` or `\u202e`; line feeds and tabs stay. */
export function revealControls(text: string): string {
  return text.replace(CONTROLS, reveal);
}

/** The same on one line: line feeds and tabs are `\x0a` and `\x09`. */
export function revealLine(text: string): string {
  return revealControls(text).replace(/[\n\t]/g, reveal);
}

/**
 * JSON whose strings hold no control character: `JSON.stringify` escapes those below U+0020 only. The value
 * is the same.
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
