// Looks through texts in a thread of its own: a hundred megabytes take seconds.
import { checkText, type Remark, type TextFacts, textFacts, textOddities } from 'inkhorn';

/** What is known of a text, or why the bytes are none. */
export type Inspected =
  | { problem: string }
  | { bytes: Uint8Array; remark: Remark | null; facts: Omit<TextFacts, 'first'>; odd: string[] };

export interface Ask {
  number: number;
  bytes: Uint8Array;
}

declare const self: {
  onmessage: ((event: MessageEvent<Ask>) => void) | null;
  postMessage(answer: { number: number; inspected: Inspected }, transfer: Transferable[]): void;
};

self.onmessage = async ({ data: { number, bytes } }): Promise<void> => {
  const inspected = await inspect(bytes);
  const transfer = 'bytes' in inspected ? [inspected.bytes.buffer as ArrayBuffer] : [];
  self.postMessage({ number, inspected }, transfer);
};

async function inspect(raw: Uint8Array): Promise<Inspected> {
  const checked = await checkText(raw);
  if ('problem' in checked) {
    const { what, fix } = checked.problem;
    return { problem: fix ? `${what}: ${[fix.what, fix.command?.line].filter(Boolean).join(', ')}` : what };
  }
  const { remark = null } = checked;
  const bytes = checked.bytes.slice(); // of their own, so that they can be handed over
  const { first: _, ...facts } = textFacts(bytes, 0);
  return { bytes, remark, facts, odd: textOddities(bytes) };
}
