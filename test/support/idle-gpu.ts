// A GPU with WebGPU's default limits that computes nothing: everything it reads is 0. For tests that count
// what an engine asks of a GPU, in shapes that an imitation would need minutes for. It refuses what is beyond
// the limits.
import assert from 'node:assert/strict';
import type { WebgpuHost } from '../../src/backend/webgpu/index.ts';

const limits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBufferBindingSize: 65_536,
  maxDynamicUniformBuffersPerPipelineLayout: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
};

export const idleGpu: WebgpuHost = {
  noAdapter: 'there is always one',
  open: async () =>
    ({
      wgslLanguageFeatures: new Set<string>(),
      requestAdapter: async () => ({
        limits,
        features: new Set<string>(),
        info: { vendor: 'idle', architecture: '', device: '', description: '', isFallbackAdapter: false },
        requestDevice: async () => device(),
      }),
    }) as unknown as GPU,
};

function device(): unknown {
  const nothing = (): object => ({});
  return {
    limits,
    lost: new Promise(() => {}),
    destroy() {},
    createBuffer: ({ size }: GPUBufferDescriptor) => {
      assert.ok(size <= limits.maxStorageBufferBindingSize && size % 4 === 0, `a buffer of ${size} bytes`);
      return {
        size,
        destroy() {},
        mapAsync: async () => {},
        getMappedRange: (_: number, bytes: number) => new ArrayBuffer(bytes),
        unmap() {},
      };
    },
    createBindGroupLayout({ entries }: GPUBindGroupLayoutDescriptor) {
      const storage = [...entries].filter(({ buffer }) => buffer?.type !== 'uniform');
      assert.ok(storage.length <= limits.maxStorageBuffersPerShaderStage, `${storage.length} buffers`);
      return {};
    },
    createBindGroup: nothing,
    createPipelineLayout: nothing,
    createShaderModule: nothing,
    createComputePipeline: nothing,
    createCommandEncoder: () => ({
      beginComputePass: () => ({
        setPipeline() {},
        setBindGroup() {},
        dispatchWorkgroups(x: number, y: number) {
          const most = limits.maxComputeWorkgroupsPerDimension;
          assert.ok(x >= 1 && x <= most && y >= 1 && y <= most, `${x} x ${y} groups`);
        },
        end() {},
      }),
      copyBufferToBuffer() {},
      finish: nothing,
    }),
    queue: { writeBuffer() {}, submit() {}, onSubmittedWorkDone: async () => {} },
  };
}
