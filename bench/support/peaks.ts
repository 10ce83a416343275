// The processor's peak, measured by native/kernels/peak.cpp. Read next: ../peaks.ts.
import { DTYPE_NUMBERS } from '../../src/backend/native/addon.ts';
import { chosenIsa, loadAddon } from '../../src/backend/native/index.ts';

/**
 * In 1e9 operations per second, where a multiply-add counts as two; null: the instruction does not exist.
 */
export interface Peaks {
  isa: string;
  f32: number | null;
  bf16: number | null;
  int8: number | null;
}

const BLOCKS = 256;

/**
 * The best of `turns` turns of some milliseconds, with the instruction set that the engine takes. Throws
 * where there is no native engine.
 */
export async function peaks(threads: number, turns: number): Promise<Peaks> {
  const addon = loadAddon();
  const isa = chosenIsa(addon);
  const engine = new addon.NativeEngine(isa.name, threads, false, new Float64Array(1));
  const out = engine.alloc(DTYPE_NUMBERS.f32, 1 + BLOCKS);
  const rates: (number | null)[] = [];
  for (const kind of [0, 1, 2]) {
    let best = 0;
    for (let turn = 0; turn <= turns; turn++) {
      await engine.sync();
      const begun = performance.now();
      engine.peak(kind, BLOCKS, out);
      await engine.sync();
      const seconds = (performance.now() - begun) / 1000;
      const [operations] = await engine.read(out, new Float32Array(1), 0);
      best = Math.max(best, (operations * BLOCKS) / seconds / 1e9);
    }
    rates.push(best > 0 ? best : null);
  }
  engine.dispose();
  const [f32, bf16, int8] = rates;
  return { isa: isa.label, f32, bf16, int8 };
}
