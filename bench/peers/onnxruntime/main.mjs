// The onnxruntime peer: the network of the `seed` preset as fast as onnxruntime-node runs it. Prints one JSON
// line.
//   node bench/peers/onnxruntime/main.mjs train|decode [--batch 64] [--dropout 0.2] [--weights float32|int8]
//   [--threads 2] [--turns]
// `--turns`: alternates with other programs (../open.ts). Needs onnxruntime-node: npm install --no-save
// --ignore-scripts onnxruntime-node, here or in the folder named by INKHORN_ONNXRUNTIME.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createDecoding } from './decode.mjs';
import { createTraining } from './train.mjs';

const WARM_UP = 2;
const REPETITIONS = 6;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '64' },
    dropout: { type: 'string', default: '0.2' },
    weights: { type: 'string', default: 'float32' },
    threads: { type: 'string', default: String(availableParallelism()) },
    turns: { type: 'boolean', default: false },
  },
});
const works = { train: createTraining, decode: createDecoding };
const [what] = positionals;
if (!(what in works)) fail(`${what}: one of ${Object.keys(works).join(', ')}`);

const { ort, version } = load();
const threads = Number(values.threads);
// Errors only: onnxruntime warns about every constant that it folds.
const session = { intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 };
const settings = { batch: Number(values.batch), dropout: Number(values.dropout), weights: values.weights };
const { includes, amount, work } = await works[what](ort, session, settings);
const precision = what === 'decode' ? values.weights : 'float32';
const about = { peer: `onnxruntime-node ${version} (${precision}, ${threads} threads)`, includes, amount };
const peakMB = () => Math.round(process.resourceUsage().maxRSS / 1024);

if (values.turns) {
  say(about);
  for await (const _ of createInterface({ input: process.stdin })) say({ seconds: await timed() });
  say({ peakMB: peakMB() });
} else {
  const times = [];
  for (let i = 0; i < WARM_UP + REPETITIONS; i++) times.push(await timed());
  const [min, , , median, , max] = times.slice(WARM_UP).sort((a, b) => a - b);
  say({ ...about, median, min, max, peakMB: peakMB() });
}

async function timed() {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

function say(record) {
  console.log(JSON.stringify(record));
}

function load() {
  const folder = process.env.INKHORN_ONNXRUNTIME;
  const require = createRequire(folder ? resolve(folder, 'any.js') : import.meta.url);
  try {
    return { ort: require('onnxruntime-node'), version: require('onnxruntime-node/package.json').version };
  } catch (error) {
    const place = folder ?? 'this repository';
    return fail(
      `npm install --no-save --ignore-scripts onnxruntime-node in ${place} (${error.message.split('\n')[0]})`,
    );
  }
}

/** Exits with one line that says why. */
function fail(reason) {
  console.error(reason);
  process.exit(1);
}
