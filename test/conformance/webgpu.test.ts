// The WebGPU engine against the reference, in the first cases of each kernel. (All: webgpu.long.test.ts.)
import { webgpu } from '../support/engines.ts';
import { engineTests } from './agree.ts';
import type { Case } from './support.ts';

/** Cases of a kernel and its variants. */
const FEW = 2;

const seen = new Map<string, number>();
function early({ name }: Case): boolean {
  const kind = name.replace(/[\d.]+/g, '');
  seen.set(kind, (seen.get(kind) ?? 0) + 1);
  return (seen.get(kind) ?? 0) <= FEW;
}

engineTests(await webgpu(), early);
