// Writes protocol buffers (protobuf.dev/programming-guides/encoding): a field is a tag, which has its number
// and the kind of its value, and the value: a varint, four bytes, or a length and as many bytes.

/** A message as its pieces in order, so that no tensor is copied before the whole is put together. */
export type Message = readonly Uint8Array[];

/** Kinds of values. */
const [VARINT, BYTES, FOUR_BYTES] = [0, 2, 5];

/** Fields, or lists of them, one after the other. */
export function message(...fields: readonly (Message | readonly Message[])[]): Message {
  return fields.flat(2);
}

/** A whole number. Negative ones take ten bytes, as the format has it. */
export function int(field: number, value: number): Message {
  return [varint(8 * field + VARINT), varint(value)];
}

/** A float32. */
export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [varint(8 * field + FOUR_BYTES), bytes];
}

/** A text, bytes as they are, or a message inside of this one. */
export function bytes(field: number, content: string | Uint8Array | Message): Message {
  const pieces = piecesOf(content);
  return [varint(8 * field + BYTES), varint(lengthOf(pieces)), ...pieces];
}

/** Number of bytes. */
export function lengthOf(message: Message): number {
  return message.reduce((sum, { length }) => sum + length, 0);
}

function piecesOf(content: string | Uint8Array | Message): Message {
  if (typeof content === 'string') return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/** Seven bits per byte, lowest first; the high bit says that more follow. */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(out);
}
