// Fetches Node for another platform into build/platforms, where test/conformance/arm64.long.test.ts looks.
//   node scripts/platforms/fetch.mjs PLATFORM
import { emulated } from './programs.mjs';

const [platform] = process.argv.slice(2);
if (!Object.hasOwn(emulated, platform)) {
  console.error(`fetch: ${platform}: expected one of ${Object.keys(emulated).join(', ')}`);
  process.exit(1);
}
const { lacks, open } = emulated[platform];
console.log(lacks ?? open().name);
