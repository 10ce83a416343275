// GPT-2's spelling of arbitrary bytes as printable characters, used for the tokens in `tokenizer.json`.

const codes: readonly number[] = alphabet();

/**
 * The code of the character for each byte: the byte's own where Latin-1 has a visible one, else the next from
 * U+0100 on (space: `Ġ`).
 */
function alphabet(): number[] {
  let spare = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return visible ? byte : spare++;
  });
}

/**
 * Characters that are joined at a time. Where they are added one by one, V8 keeps an object for each: 0.9 GB
 * for the tokens of a text that was learnt by heart.
 */
const AT_ONCE = 1024;

/** `[32, 116, 104]` -> `Ġth` */
export function spell(token: Uint8Array): string {
  let out = '';
  for (let from = 0; from < token.length; from += AT_ONCE) {
    const part = new Uint16Array(Math.min(AT_ONCE, token.length - from));
    for (let i = 0; i < part.length; i++) part[i] = codes[token[from + i]];
    out += String.fromCharCode(...part);
  }
  return out;
}
