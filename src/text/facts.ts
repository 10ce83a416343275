// Figures about a text, counted piece by piece, since a text may be longer than the longest JavaScript
// string.

export interface TextFacts {
  /** Code points. A run of bytes that is not UTF-8 counts as the U+FFFD that it decodes to. */
  characters: number;
  /** Number of different code points. */
  distinctCharacters: number;
  /** Lines, ended by `\n`, `\r\n` or `\r`; a last line without an end counts too. */
  lines: number;
  /** The first lines, each cut after `LINE_LIMIT` UTF-16 units. */
  first: string[];
}

/** UTF-16 units kept of a line for display: a file may be one line of a gigabyte. */
export const LINE_LIMIT = 10_000;

const PIECE = 1 << 20;

/**
 * The figures of `bytes`, taken as UTF-8, with its first `keep` lines. `piece`: bytes decoded at a time.
 */
export function textFacts(bytes: Uint8Array, keep: number, piece: number = PIECE): TextFacts {
  const seen = new Uint8Array(0x110000);
  const counter = makeLineCounter(keep);
  let characters = 0;
  let distinctCharacters = 0;
  for (const text of decodedPieces(bytes, piece)) {
    for (let i = 0; i < text.length; i++) {
      const code = text.codePointAt(i) ?? 0;
      if (code > 0xffff) i++;
      characters++;
      if (seen[code] === 1) continue;
      seen[code] = 1;
      distinctCharacters++;
    }
    counter.add(text);
  }
  const { lines, first } = counter.end();
  return { characters, distinctCharacters, lines, first };
}

/** The text in strings of about `piece` bytes, none of which ends inside a character. */
function* decodedPieces(bytes: Uint8Array, piece: number): Generator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (let at = 0; at < bytes.length; at += piece)
    yield decoder.decode(bytes.subarray(at, at + piece), { stream: true });
  yield decoder.decode();
}

/** Counts the lines of a text that arrives in pieces. */
function makeLineCounter(keep: number): {
  add(piece: string): void;
  end(): Pick<TextFacts, 'lines' | 'first'>;
} {
  const first: string[] = [];
  let ended = 0; // lines whose line break has been seen
  let open = ''; // the start of the line whose break has not been seen
  let isOpen = false;
  // The last piece ended in `\r`; a line feed at the start of the next one belongs to it.
  let afterReturn = false;
  const extend = (part: string): void => {
    if (part.length > 0) isOpen = true;
    if (ended < keep) open = (open + part).slice(0, LINE_LIMIT);
  };
  const close = (): void => {
    if (ended < keep) first.push(open);
    ended++;
    open = '';
    isOpen = false;
  };
  return {
    add(piece) {
      if (piece === '') return;
      let from = afterReturn && piece[0] === '\n' ? 1 : 0;
      for (const { index, 0: lineBreak } of piece.matchAll(/\r\n|\r|\n/g)) {
        if (index < from) continue;
        extend(piece.slice(from, index));
        close();
        from = index + lineBreak.length;
      }
      extend(piece.slice(from));
      afterReturn = piece.endsWith('\r');
    },
    end() {
      if (isOpen) close();
      return { lines: ended, first };
    },
  };
}
