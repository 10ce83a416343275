// Why a file is not text, also when it is text in another encoding. Read next: check.ts.

/** Why a file is not text. */
export interface Problem {
  /** `is a PNG image, not text`. */
  what: string;
  /** What to do with the file, if anything. */
  fix?: Fix;
  /** The encoding in which it is text, as far as one can tell: `windows-1252`. */
  encoding?: string;
}

/** What makes text of a file. */
export interface Fix {
  /** `convert it` */
  what: string;
  /** A command of a terminal that reads the file and writes text: `iconv -f CP037 -t UTF-8`. */
  command?: { line: string /** The kind of its result: `notes.utf8.txt`. */; kind: string };
}

/** The problem of a text that is fine except for its encoding. */
export function inEncoding(encoding: string, how: string): Problem {
  const codePage = encoding === 'EBCDIC' ? 'CP037' : encoding;
  return {
    what: `is ${encoding} ${how}, not UTF-8`,
    encoding,
    fix: { what: 'convert it', command: { line: `iconv -f ${codePage} -t UTF-8`, kind: 'utf8' } },
  };
}

/** The encoding that a byte order mark announces; null where there is no mark. */
export function byteOrderMark(
  bytes: Uint8Array,
): 'UTF-8' | 'UTF-16LE' | 'UTF-16BE' | 'UTF-32LE' | 'UTF-32BE' | null {
  const starts = (...mark: number[]): boolean => mark.every((byte, i) => bytes[i] === byte);
  if (starts(0xef, 0xbb, 0xbf)) return 'UTF-8';
  if (starts(0xff, 0xfe, 0, 0)) return 'UTF-32LE';
  if (starts(0, 0, 0xfe, 0xff)) return 'UTF-32BE';
  if (starts(0xff, 0xfe)) return 'UTF-16LE';
  if (starts(0xfe, 0xff)) return 'UTF-16BE';
  return null;
}
