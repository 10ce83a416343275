// SHA-256, as Node and pages have it.
import { hex } from './format.ts';

/**
 * SHA-256 of `bytes` in lower-case hexadecimal. Throws in a page that is neither on https nor on localhost.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!crypto.subtle)
    throw new Error('a page computes checksums only on https or localhost: serve it from there');
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
