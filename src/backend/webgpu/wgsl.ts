// Pieces of WGSL that several kernels include in their code. Read next: shader.ts.

/** `is_nan(x)`. Comparisons do not show NaN on every adapter; the bits do. */
export const isNan = `
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
`;

/** `is_finite(x)`, and `nan()` for a value that must not be used. */
export const finite = `
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
fn nan() -> f32 { return bitcast<f32>(bitcast<u32>(u.infinity) | 0x400000u); }
`;

/** `round_bf16(x)`, as base/bf16.ts. */
export const roundBf16 = `
fn round_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7f800000u) == 0x7f800000u) { return x; }
  return bitcast<f32>((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u);
}
`;

/** `safe_tanh(x)`: tanh overflows on some adapters, and is 1 from 10 on. NaN stays. Needs `is_nan`. */
export const safeTanh = `
fn safe_tanh(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  return tanh(clamp(x, -15.0, 15.0));
}
`;

/**
 * `NAME(lane, value)` over the lanes of a group: eight of them join eight values each, then all join eight.
 */
const overGroup = (name: string, join: (a: string, b: string) => string): string => `
var<workgroup> ${name}_values: array<f32, 64>;
var<workgroup> ${name}_eighths: array<f32, 8>;
fn ${name}(lane: u32, value: f32) -> f32 {
  ${name}_values[lane] = value;
  workgroupBarrier();
  if (lane < 8u) {
    var some = ${name}_values[lane];
    for (var k = 1u; k < 8u; k++) { some = ${join('some', `${name}_values[8u * k + lane]`)}; }
    ${name}_eighths[lane] = some;
  }
  workgroupBarrier();
  var all = ${name}_eighths[0];
  for (var k = 1u; k < 8u; k++) { all = ${join('all', `${name}_eighths[k]`)}; }
  return all;
}
`;

/**
 * `group_sum(lane, value)`: the sum of `value` over the lanes of a group, the same for each of them. Every
 * lane must call it. The order of the sum is fixed.
 */
export const groupSum: string = overGroup('group_sum', (a, b) => `${a} + ${b}`);

/** `group_max(lane, value)`, as `group_sum`. NaN counts as nothing. */
export const groupMax: string = overGroup('group_max', (a, b) => `max(${a}, ${b})`);

/** `safe_exp(x)` for x up to about 80: NaN stays, -infinity gives 0. Needs `is_nan`. */
export const safeExp = `
fn safe_exp(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  return select(exp(max(x, -100.0)), 0.0, x < -100.0);
}
`;

/** `safe_log(x)` for x above 0: NaN stays. Needs `is_nan`. */
export const safeLog = `
fn safe_log(x: f32) -> f32 { return select(log(x), x, is_nan(x)); }
`;
