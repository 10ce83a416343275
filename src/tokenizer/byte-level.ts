// GPT-2's spelling of arbitrary bytes as printable characters, used for the tokens in `tokenizer.json`.

const characters: readonly string[] = alphabet();

/**
 * The character for each byte: the byte's own where Latin-1 has a visible one, else the next from U+0100 on
 * (space: `Ġ`).
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
