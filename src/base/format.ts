// Numbers as people read them, the same in pictures, reports and the terminal. Without Intl, which takes
// 20 ms to load.

/** 1,234,567. */
export function formatCount(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `formatAmount(1234, 'byte')` is `1,234 bytes`; of one, `1 byte`. */
export function formatAmount(n: number, what: string): string {
  return `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`;
}

/**
 * The amount of things numbered from 0, with the range of their numbers: `1 block, number 0`; `5 blocks, 0 to
 * 4`.
 */
export function formatNumbered(n: number, what: string): string {
  return n === 1 ? `1 ${what}, number 0` : `${n} ${what}s, 0 to ${n - 1}`;
}

/** The label of a step on an axis: empty for fractions, at which a short axis also has ticks. */
export function formatStep(step: number): string {
  return Number.isInteger(step) ? formatCount(step) : '';
}

/** Three significant digits with a letter: 950, 12.3k, 3.51M, 1.2G. */
export function formatShort(n: number): string {
  if (!Number.isFinite(n)) return String(n);
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (Math.abs(n) >= 0.9995 * size) return `${(n / size).toPrecision(3)}${letter}`;
  }
  return String(Number(n.toPrecision(3)));
}

/** As `formatShort`, for axes: 30k rather than 30.0k, and an exponent for what is very small. */
export function formatTick(n: number): string {
  if (n !== 0 && Math.abs(n) < 1e-3) return Number(n.toPrecision(3)).toExponential().replace('e+', 'e');
  return formatShort(n)
    .replace(/(\.\d*?)0+(?=[GMk]?$)/, '$1')
    .replace(/\.(?=[GMk]?$)/, '');
}

/** 12.3 MB. Decimal units, as is usual for model sizes. */
export function formatBytes(bytes: number): string {
  for (const [size, unit] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(2)} ${unit}`;
  }
  return `${bytes} bytes`;
}

/** 45s, 3m12s, 2h05m: the two largest units. `?` when the duration is not known. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '?';
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, '0')}s`;
  return `${Math.floor(s / 3600)}h${String(Math.floor(s / 60) % 60).padStart(2, '0')}m`;
}

/** 58.9 %. */
export function formatPercent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A difference with its sign: +0.012, -0.300. A difference that rounds to 0 has no sign. */
export function formatChange(x: number, digits: number): string {
  const text = x.toFixed(digits);
  if (Number(text) === 0) return (0).toFixed(digits);
  return x > 0 ? `+${text}` : text;
}

/**
 * Three significant digits, with an exponent only where a plain number would be unreadable: 0.210, 1,234,
 * 4.10e-7.
 */
export function formatNumber(x: number): string {
  if (x === 0) return '0';
  if (!Number.isFinite(x)) return NOT_FINITE;
  const size = Math.abs(x);
  if (size < 1e-3 || size >= 1e7) return x.toExponential(2).replace('e+', 'e');
  return size < 999.5 ? x.toPrecision(3) : formatCount(x);
}

/** Shown for NaN and infinities, which a run that diverged has measured. */
const NOT_FINITE = 'not finite';

/** A loss with `digits` decimals: `1.4711`. */
export function formatLoss(loss: number, digits: number): string {
  return Number.isFinite(loss) ? loss.toFixed(digits) : NOT_FINITE;
}

/** Two hexadecimal digits for each byte: `0a1f`. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
