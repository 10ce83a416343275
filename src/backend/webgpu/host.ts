// What the WebGPU engine needs from its platform. Implemented for Node in platform/node-webgpu.ts, for pages
// in platform/browser-webgpu.ts. Read next: adapter.ts.

export interface WebgpuHost {
  /** The entry to WebGPU. Throws with reason and fix where there is none. */
  open(): Promise<GPU>;
  /** Why there may be no adapter here, and what to do. */
  readonly noAdapter: string;
}
