// GPT-2's way to write any bytes as printable characters, in which `tokenizer.json` spells its tokens.

const characters: readonly string[] = alphabet();

/**
 * Byte b as itself where Latin-1 has a visible character there, else as the next one from U+0100 on (space:
 * `Ġ`).
 */
function alphabet(): string[] {
  let spare = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(visible ? byte : spare++);
  });
}

/** `[32, 116, 104]` -> `Ġth` */
export function spell(token: Uint8Array): string {
  let out = '';
  for (const byte of token) out += characters[byte];
  return out;
}
