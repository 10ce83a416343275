// Accepted errors of an engine's kernels, by family, where they are larger than those that the cases state.

/** Sums are in float32, where the definition has doubles; a thread adds 256 terms of a product in order. */
export const ON_WEBGPU: Readonly<Record<string, number>> = { matmul: 3e-5 };
