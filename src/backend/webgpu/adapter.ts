// A device that is large enough for the kernels, or the reason why there is none. Read next: queue.ts.
import type { WebgpuHost } from './host.ts';

/** What the kernels count on: WebGPU's default limits. */
const NEEDED = {
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 2 ** 27,
  maxUniformBufferBindingSize: 256,
  maxDynamicUniformBuffersPerPipelineLayout: 1,
  maxComputeInvocationsPerWorkgroup: 64,
  maxComputeWorkgroupSizeX: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
} as const;

/** Names under which programs that imitate a GPU on the processor appear. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

export interface OpenDevice {
  readonly device: GPUDevice;
  /** For people: `nvidia hopper`, `swiftshader, imitated on the processor`. */
  readonly title: string;
  /** All that is known of the GPU, to tell it from others. */
  readonly adapter: string;
  /** Whether the processor imitates the GPU. */
  readonly software: boolean;
  /** Whether WGSL has products of four packed bytes. */
  readonly packedDot: boolean;
}

/** Opens a device of the best adapter. Throws with reason and fix where none will do. */
export async function openDevice(host: WebgpuHost): Promise<OpenDevice> {
  const gpu = await host.open();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error(`WebGPU finds no GPU: ${host.noAdapter}`);
  for (const [name, needed] of Object.entries(NEEDED)) {
    const limit = adapter.limits[name as keyof typeof NEEDED];
    if (limit < needed)
      throw new Error(
        `the GPU is too small: its ${name} is ${limit}, ${needed} is needed: use another engine`,
      );
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter
    .requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } })
    .catch((error: Error) => {
      throw new Error(
        `the GPU cannot be opened: ${error.message}: close what uses it, or use another engine`,
      );
    });
  const { vendor, architecture, device: model, description, isFallbackAdapter } = adapter.info;
  const known = [vendor, architecture, model, description];
  const software = isFallbackAdapter || SOFTWARE.test(`${architecture} ${model} ${description}`);
  const title = [vendor, architecture].filter((part) => part !== '').join(' ') || description || 'GPU';
  return {
    device,
    adapter: known.join(', '),
    title: software ? `${title}, imitated on the processor` : title,
    software,
    // Older browsers do not list the features of their WGSL.
    packedDot: gpu.wgslLanguageFeatures?.has('packed_4x8_integer_dot_product') ?? false,
  };
}
