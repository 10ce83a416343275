#!/usr/bin/env bash
# On Vulkan, Dawn zeroes a WGSL variable that a loop declares without a value once per call, not once per turn.
#
# Versions   webgpu 0.6.2 (Dawn for Node), on SwiftShader as Debian's chromium-common brings it
# Guess      WGSL: the lifetime of a variable begins when control reaches its declaration, and without an initializer
#            it begins as zero. So `var sum: f32;` in a loop is 0 in every turn, as `var sum = 0.0;` is.
# Seen       The second turn finds what the first one left. Scalars, vectors and arrays alike; with an initializer,
#            `var sum = array<f32, 4>()` included, all is well.
# Why        Tint writes an OpVariable with OpConstantNull as its initializer at the head of the function, and no store
#            at the declaration; the SPIR-V shows it (create(['enable-dawn-features=dump_shaders'])), so every Vulkan
#            driver gets it. Naga (wgpu) had the same fault until 2026 (gfx-rs/wgpu issue 9489).
# Matters    to everybody who writes blocked matrix products: the register tile is declared inside the loop over tiles.
#            It is right for shapes of one tile, so small tests pass.
# Output
#   without a value: 0 7 14
#   with a value:    0 0 0
set -euo pipefail
icd=/usr/lib/chromium/vk_swiftshader_icd.json
if ! [ -e "$icd" ]; then
  echo "This needs Vulkan's loader and SwiftShader: apt-get install libvulkan1 chromium-common" >&2
  exit 2
fi
export VK_ICD_FILENAMES="$icd"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

echo '{"private":true,"type":"module"}' > package.json
npm install --silent --ignore-scripts webgpu@0.6.2
cat > probe.mjs <<'JS'
import { create } from 'webgpu';

const gpu = create([]);
const device = await (await gpu.requestAdapter()).requestDevice();

/** The first element of `tile` at the start of each of three turns that add 7 to it. */
async function turns(declaration) {
  const code = `
    @group(0) @binding(0) var<storage, read_write> seen: array<u32, 3>;
    @compute @workgroup_size(1) fn main() {
      for (var turn = 0u; turn < 3u; turn++) {
        ${declaration}
        seen[turn] = tile[0];
        for (var k = 0u; k < 4u; k++) { tile[k] += 7u; }
      }
    }`;
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const [STORAGE, COPY_SRC, COPY_DST, MAP_READ] = [0x80, 4, 8, 1];
  const seen = device.createBuffer({ size: 12, usage: STORAGE | COPY_SRC });
  const copy = device.createBuffer({ size: 12, usage: MAP_READ | COPY_DST });
  const entries = [{ binding: 0, resource: { buffer: seen } }];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(seen, 0, copy, 0, 12);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(1);
  return [...new Uint32Array(copy.getMappedRange())].join(' ');
}

const without = await turns('var tile: array<u32, 4>;');
const given = await turns('var tile = array<u32, 4>();');
console.log(`without a value: ${without}`);
console.log(`with a value:    ${given}`);
const same = without === '0 7 14' && given === '0 0 0';
if (!same) console.error('The behaviour has changed.');
process.exit(same ? 0 : 1);
JS
node probe.mjs
