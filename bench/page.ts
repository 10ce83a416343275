// The WASM engine in a page, in headless Chromium: the five products of a layer and the head, and attention
// there and back, at the shapes of the preset `seed`. With --peer jax-js also its `wasm` backend, in the same
// tab, in turns, both with threads. That needs `npm install --no-save --ignore-scripts @jax-js/jax`.
//   npm run bench -- page [--peer jax-js] [--batch 8] [--turns 5] [--json]
import { existsSync } from 'node:fs';
import { median } from '../src/base/statistics.ts';
import { formatTable } from '../src/cli/table.ts';
import { launch, noChromium } from '../test/browser/chromium.ts';
import { ISOLATED, openSite, SUITES } from '../test/browser/site.ts';
import type { PartTimes } from './support/in-page.ts';
import { count, describeMachine, machine, peerOption, readOptions } from './support/program.ts';

const JAX = 'node_modules/@jax-js/jax/dist/index.js';

const options = readOptions({ ...peerOption, batch: { type: 'string', default: '8' } });
const [turns, batch] = [count('turns', options.turns), count('batch', options.batch)];
const stranger = options.peer.find((name) => name !== 'jax-js');
if (stranger !== undefined) throw new Error(`--peer ${stranger}: the peer of this program is jax-js`);
const withPeer = options.peer.length > 0;
if (withPeer && !existsSync(new URL(`../../${JAX}`, import.meta.url)))
  throw new Error('jax-js is not installed: npm install --no-save --ignore-scripts @jax-js/jax');
const missing = noChromium();
if (missing !== false) throw new Error(missing);

const browser = await launch();
const site = await openSite({ headers: ISOLATED });
const page = await browser.newPage();
await page.goto(site.url + SUITES);
const { engine, parts } = await page.evaluate<{ engine: string; parts: PartTimes[] }>(
  `import(new URL('bench/support/in-page.js', location).href).then(({ contest }) =>
    contest(${batch}, ${turns}, ${withPeer ? `new URL('${JAX}', location).href` : null}))`,
);
await browser.close();
site.close();

const off = parts.find(({ difference }) => !(difference < 1e-4));
if (off) throw new Error(`${off.name}: the results differ by ${off.difference} of the largest value`);
if (options.json) {
  console.log(
    JSON.stringify({ machine: machine(), browser: browser.version(), engine, batch, turns, parts }),
  );
} else {
  console.log(`${describeMachine()}, Chromium ${browser.version()}`);
  console.log(
    `${engine}${withPeer ? ', and jax-js on its wasm backend, in one tab' : ''}; medians of ${turns} turns`,
  );
  const ms = (times: readonly number[]): string => (times.length > 0 ? median(times).toFixed(1) : '');
  const row = (name: string, flops: number, ours: number[], theirs: number[]): string[] => [
    name,
    ms(ours),
    (flops / median(ours) / 1e6).toFixed(1),
    ms(theirs),
    theirs.length > 0 ? (median(theirs) / median(ours)).toFixed(2) : '',
  ];
  const all = (of: (part: PartTimes) => number[]): number[] =>
    of(parts[0]).map((_, turn) => parts.reduce((sum, part) => sum + of(part)[turn], 0));
  const rows = parts.map(({ name, flops, ours, theirs }) => row(name, flops, ours, theirs));
  const flops = parts.reduce((sum, part) => sum + part.flops, 0);
  rows.push(
    row(
      'together',
      flops,
      all(({ ours }) => ours),
      all(({ theirs }) => theirs),
    ),
  );
  const columns = withPeer ? 5 : 3;
  const heads = ['part', 'ms', 'GFLOP/s', 'jax-js ms', 'times as fast'].slice(0, columns);
  for (const line of formatTable(
    heads,
    rows.map((cells) => cells.slice(0, columns)),
  ))
    console.log(line);
}
