// The WebGPU engine's platform in a browser.
import type { WebgpuHost } from '../backend/webgpu/index.ts';

declare const navigator: { gpu?: GPU };
declare const isSecureContext: boolean | undefined;

/** Throws with the reason where the browser has no WebGPU. */
export function browserWebgpuHost(): WebgpuHost {
  const { gpu } = navigator;
  if (!gpu) {
    const insecure = typeof isSecureContext !== 'undefined' && !isSecureContext;
    throw new Error(
      insecure
        ? 'browsers have WebGPU only on pages served by https or from localhost'
        : 'this browser has no WebGPU: update it, or take another one',
    );
  }
  return {
    open: async () => gpu,
    noAdapter: "the browser does not use this machine's GPU: chrome://gpu, or its counterpart, says why",
  };
}
