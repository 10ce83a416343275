// The studio in headless Chromium while it trains the preset `tiny`: its speed beside the same WASM engine in
// Node (in turns; Node 22 or later, as Node 20 has no relaxed SIMD), the time between two frames of the page,
// and how its heap grows. Growth is measured over --minutes, 60 for the whole hour.
//   npm run bench -- studio [--steps 30] [--minutes 3] [--threads 2] [--turns 3] [--json]
import { availableParallelism } from 'node:os';
import type { CDPSession, Page } from 'playwright-core';
import { median } from '../src/base/statistics.ts';
import { makeConfig, presets } from '../src/model/config.ts';
import { GPT } from '../src/model/gpt.ts';
import { createBackend } from '../src/platform/node-engines.ts';
import { Tokenizer } from '../src/tokenizer/index.ts';
import { dataset } from '../src/train/data.ts';
import type { TrainEvent } from '../src/train/events.ts';
import { makeSettings, recipes } from '../src/train/settings.ts';
import { train } from '../src/train/train.ts';
import { launch, noChromium } from '../test/browser/chromium.ts';
import { keepText, keptBytes, openStudio, TALE } from '../test/browser/studio-tab.ts';
import { count, describeMachine, machine, readOptions } from './support/program.ts';

const options = readOptions({
  steps: { type: 'string', default: '30' },
  minutes: { type: 'string', default: '3' },
  threads: { type: 'string', default: String(availableParallelism()) },
});
const steps = count('steps', options.steps);
const [threads, turns] = [count('threads', options.threads), count('turns', options.turns)];
const minutes = count('minutes', options.minutes);
const missing = noChromium();
if (missing !== false) throw new Error(missing);

/** Nothing but steps. */
const PLAIN = { evalEvery: 0, sampleEvery: 0, probeEvery: 0 } as const;
const WATCHED = { evalEvery: 100, sampleEvery: 100, probeEvery: 50 } as const;
/** The first steps of a run prepare what the others use again. */
const WARM = 5;

const browser = await launch();
const tab = await openStudio(browser);
await tab.page.goto(tab.url);
await keepText(tab.page, 'tale.txt', TALE);

const inTab: number[] = [];
const inNode: number[] = [];
let engines = '';
for (let turn = 0; turn < turns; turn++) {
  inTab.push(await speedInTab());
  inNode.push(await speedInNode());
}
const frames = await framesWhileTraining(20);
const growth = await heapGrowth(minutes);
await browser.close();

const shares = inTab.map((speed, i) => speed / inNode[i]);
const p95 = frames[Math.floor(0.95 * frames.length)];
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
if (options.json) {
  const results = {
    inTab,
    inNode,
    share: median(shares),
    frameMs: { median: median(frames), p95 },
    heap: growth,
  };
  console.log(JSON.stringify({ machine: machine(), browser: browser.version(), engines, steps, ...results }));
} else {
  console.log(`${describeMachine()}, Chromium ${browser.version()}`);
  console.log(engines);
  console.log(
    `training tiny: ${Math.round(median(inTab))} tokens/s in the tab, ${Math.round(median(inNode))} in Node: ${median(shares).toFixed(2)} (median of ${turns} turns)`,
  );
  console.log(
    `frames while training: median ${median(frames).toFixed(1)} ms, 95th percentile ${p95.toFixed(1)} ms, longest ${frames.at(-1)?.toFixed(0)} ms, of ${frames.length}`,
  );
  console.log(
    `heap: ${mb(growth.first)} after the first minute, ${mb(growth.last)} after ${minutes} more: ${mb(growth.last - growth.first)} in ${growth.steps} steps`,
  );
}
process.exit();

async function startRun(choices: Readonly<Record<string, string | number>>): Promise<void> {
  const { page } = tab;
  await tab.enter('train', { text: 'tale.txt', preset: 'tiny', vocabSize: 280, threads, ...choices });
  await page.waitForSelector('.engine summary');
  await page.waitForTimeout(3000); // the estimate measures the engine
  await page.click('text=Start training');
}

async function speedInTab(): Promise<number> {
  await startRun({ steps, name: 'speed', ...PLAIN });
  await tab.page.waitForSelector('.live >> text=finished', { timeout: 600_000 });
  const history = JSON.parse((await keptBytes(tab.page, 'runs/speed/history.json')).toString());
  engines = `tab: ${history.engines[0].engine}`;
  await tab.page.evaluate(`navigator.storage.getDirectory().then(async (root) =>
    (await root.getDirectoryHandle('runs')).removeEntry('speed', { recursive: true }))`);
  return speedOf(history.events);
}

async function speedInNode(): Promise<number> {
  const { backend } = await createBackend('wasm', { threads });
  engines += `; Node: ${backend.description}`;
  const tokenizer = Tokenizer.train(TALE, { vocabSize: 280, pattern: 'gpt4' });
  const model = new GPT(makeConfig(presets.tiny, tokenizer.vocabSize), { backend });
  const settings = makeSettings(recipes.tiny, { steps, ...PLAIN });
  const events: TrainEvent[] = [];
  for await (const event of train({ model, tokenizer, data: dataset(TALE, tokenizer), ...settings }))
    events.push(event);
  backend.dispose();
  return speedOf(events);
}

/** Median tokens per second of the steps. */
function speedOf(events: readonly TrainEvent[]): number {
  const speeds = events.flatMap((event) => (event.type === 'step' ? [event.tokensPerSecond] : []));
  return median(speeds.slice(WARM));
}

/** Milliseconds between frames over some seconds of a training, sorted. One thread is left to the page. */
async function framesWhileTraining(seconds: number): Promise<number[]> {
  const { page } = tab;
  await startRun({ steps: 100_000, name: 'frames', ...WATCHED, threads: Math.max(1, threads - 1) });
  await page.waitForSelector('.live canvas');
  await page.waitForTimeout(3000);
  const times = await page.evaluate<number[]>(`new Promise((resolve) => {
    const times = [];
    const until = performance.now() + ${seconds * 1000};
    let last = 0;
    requestAnimationFrame(function frame(now) {
      if (last > 0) times.push(now - last);
      last = now;
      if (now < until) requestAnimationFrame(frame);
      else resolve(times);
    });
  })`);
  return times.sort((a, b) => a - b);
}

/** The heap of the page after a minute of the training that goes on, and after `minutes` more. */
async function heapGrowth(minutes: number): Promise<{ first: number; last: number; steps: number }> {
  const client = await tab.context.newCDPSession(tab.page);
  await tab.page.waitForTimeout(60_000);
  const [first, from] = [await heapOf(client), await stepOf(tab.page)];
  await tab.page.waitForTimeout(minutes * 60_000);
  const [last, to] = [await heapOf(client), await stepOf(tab.page)];
  return { first, last, steps: to - from };
}

async function heapOf(client: CDPSession): Promise<number> {
  await client.send('HeapProfiler.collectGarbage');
  const { usedSize } = await client.send('Runtime.getHeapUsage');
  return usedSize;
}

async function stepOf(page: Page): Promise<number> {
  return Number.parseInt(await page.locator('.live .meters dd').first().innerText(), 10);
}
