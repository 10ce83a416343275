// Base64 (RFC 4648, section 4), strict: the encoding of bytes in `.tiktoken` files.

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** `[72, 105]` -> `SGk=` */
export function toBase64(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += digits[group >> 18] + digits[(group >> 12) & 63];
    out += i + 1 < bytes.length ? digits[(group >> 6) & 63] : '=';
    out += i + 2 < bytes.length ? digits[group & 63] : '=';
  }
  return out;
}

/** The inverse; undefined for anything that `toBase64` does not write. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let group = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = i < text.length - padding ? digits.indexOf(text[i]) : 0;
    if (digit < 0) return undefined;
    group = (group << 6) | digit;
    if (i % 4 !== 3) continue;
    // Writing past the end does nothing.
    for (let k = 0; k < 3; k++) out[((i - 3) / 4) * 3 + k] = group >> (16 - 8 * k);
    group = 0;
  }
  return toBase64(out) === text ? out : undefined;
}
