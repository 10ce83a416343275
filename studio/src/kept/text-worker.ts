// Looks through texts in a thread of its own: a hundred megabytes take seconds.
import {
  checkText,
  type Identify,
  type Problem,
  type Remark,
  type TextFacts,
  textFacts,
  textOddities,
  toUtf8,
} from 'inkhorn';

/** What is known of a text, or why the bytes are none, and whether they are once they are converted. */
export type Inspected =
  | { problem: string; convertible: boolean }
  | { bytes: Uint8Array; remark: Remark | null; facts: Omit<TextFacts, 'first'>; odd: string[] };

export interface Ask {
  number: number;
  bytes: Uint8Array;
  /** Whether a text in another encoding is converted to UTF-8. */
  convert: boolean;
}

declare const self: {
  onmessage: ((event: MessageEvent<Ask>) => void) | null;
  postMessage(answer: { number: number; inspected: Inspected }, transfer: Transferable[]): void;
};

self.onmessage = async ({ data: { number, bytes, convert } }): Promise<void> => {
  const inspected = await inspect(bytes, convert);
  const transfer = 'bytes' in inspected ? [inspected.bytes.buffer as ArrayBuffer] : [];
  self.postMessage({ number, inspected }, transfer);
};

async function inspect(raw: Uint8Array, convert: boolean): Promise<Inspected> {
  const checked = await checkText(raw, identify);
  if ('problem' in checked) {
    const { what, fix, encoding } = checked.problem;
    const utf8 = encoding === undefined ? null : decoded(raw, encoding);
    if (utf8 && convert) return described(utf8, { kind: `${what}: converted to UTF-8` });
    return { problem: utf8 || !fix ? what : `${what}: ${wordsOf(fix)}`, convertible: utf8 !== null };
  }
  return described(checked.bytes, checked.remark ?? null);
}

/** Loads its libraries only for bytes that are not text. */
const identify: Identify = async (bytes, damage) =>
  (await import('inkhorn/identify')).identify(bytes, damage);

/** The text in UTF-8; null where the browser does not know the encoding, or the bytes are not in it. */
function decoded(raw: Uint8Array, encoding: string): Uint8Array | null {
  try {
    return toUtf8(raw, encoding, { fatal: true });
  } catch {
    return null;
  }
}

function wordsOf({ what, command }: NonNullable<Problem['fix']>): string {
  return command ? `${what} with ${command.line}` : what;
}

function described(text: Uint8Array, remark: Remark | null): Inspected {
  const bytes = text.slice(); // of their own, so that they can be handed over
  const { first: _, ...facts } = textFacts(bytes, 0);
  return { bytes, remark, facts, odd: textOddities(bytes) };
}
