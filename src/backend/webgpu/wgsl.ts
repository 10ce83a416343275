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
 * `group_sum(lane, value)`: the sum of `value` over the lanes of a group, the same for each of them. Every
 * lane must call it. The order of the sum is fixed.
 */
export const groupSum = `
var<workgroup> group_sums: array<f32, 64>;
fn group_sum(lane: u32, value: f32) -> f32 {
  group_sums[lane] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (lane < half) { group_sums[lane] += group_sums[lane + half]; }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&group_sums[0]);
}
`;

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

/** `group_max(lane, value)`, as `group_sum`. NaN counts as nothing. */
export const groupMax = `
var<workgroup> group_maxima: array<f32, 64>;
fn group_max(lane: u32, value: f32) -> f32 {
  group_maxima[lane] = value;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if (lane < half) { group_maxima[lane] = max(group_maxima[lane], group_maxima[lane + half]); }
    workgroupBarrier();
  }
  return workgroupUniformLoad(&group_maxima[0]);
}
`;
