// What a worker runs by name. Read next: functions.ts.
export * from '../inspect/index.ts';
export { compare } from '../quantize/compare.ts';
export { compareLayers } from '../quantize/layer-errors.ts';
export { quantize } from '../quantize/quantize.ts';
export { lookInside } from '../runs/look.ts';
export { evaluate } from '../train/evaluate.ts';
export { trainingBytes } from '../train/memory.ts';
