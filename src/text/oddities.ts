// What is odd about a text that is fine otherwise, and matters to a model that learns from it.
import { formatAmount, formatCount } from '../base/format.ts';

/** A line of more bytes is worth a remark: it is hardly prose. */
const LONG_LINE = 10_000;
/** Shorter lines repeat in every text: `}`, `ROMEO:`. */
const TELLING_LINE = 24;
/** The share of a text's bytes in repeated lines from which it is worth a remark. */
const REPEATED_FROM = 0.1;
/** Below this, a model learns the text by heart before it learns the language. */
const SHORT_TEXT = 50_000;

/**
 * What is odd about the text `bytes`, one clause each: `has Windows line ends (CRLF), which become tokens`.
 * None for plain prose.
 */
export function textOddities(bytes: Uint8Array): string[] {
  const { lines, windows, longest, repeated } = measureLines(bytes);
  const odd: string[] = [];
  if (bytes.length > 0 && bytes.length < SHORT_TEXT)
    odd.push(`is short (${formatAmount(bytes.length, 'byte')}): a model soon knows it by heart`);
  if (windows === lines.ended && windows > 0) odd.push('has Windows line ends (CRLF), which become tokens');
  else if (windows > 0)
    odd.push(`mixes line ends: ${formatCount(windows)} of ${formatCount(lines.ended)} are of Windows (CRLF)`);
  if (longest.bytes > LONG_LINE)
    odd.push(
      `has very long lines (the longest is line ${formatCount(longest.line)}: ${formatCount(longest.bytes)} bytes)`,
    );
  const share = repeated / Math.max(1, bytes.length);
  if (share >= REPEATED_FROM)
    odd.push(`repeats itself: ${Math.round(100 * share)} % of it are lines seen before`);
  return odd;
}

/** Lines by their feeds; `repeated`: bytes in lines of some length that have occurred before. */
function measureLines(bytes: Uint8Array): {
  lines: { ended: number };
  windows: number;
  longest: { line: number; bytes: number };
  repeated: number;
} {
  const seen = new Set<number>();
  const longest = { line: 0, bytes: 0 };
  let [ended, windows, repeated] = [0, 0, 0];
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed < 0 ? bytes.length : feed;
    const length = end - start;
    if (feed >= 0) ended++;
    if (feed > start && bytes[feed - 1] === RETURN) windows++;
    if (length > longest.bytes) Object.assign(longest, { line, bytes: length });
    if (length >= TELLING_LINE) {
      const hash = hashOf(bytes, start, end);
      if (seen.has(hash)) repeated += length;
      else seen.add(hash);
    }
    start = end + 1;
  }
  return { lines: { ended }, windows, longest, repeated };
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

const LINE_FEED = 10;
const RETURN = 13;
