// Training in a worker of a page: the page stays free, and a tab that is killed loses nothing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { openWorker } from '../../src/platform/node.ts';
import type { TrainEvent } from '../../src/train/events.ts';
import { launch, noChromium, openTab, type Tab } from './chromium.ts';
import { ISOLATED } from './site.ts';
import { tour } from './tasks.ts';

const skip = noChromium();
let browser: Browser;
let tab: Tab;
before(async () => {
  if (skip !== false) return;
  browser = await launch();
  tab = await openTab(browser, { headers: ISOLATED });
});
after(async () => {
  await tab?.close();
  await browser?.close();
});

/** The events without times and places. */
function told(events: readonly TrainEvent[]): unknown[] {
  return events.map((event) => ({ ...event, tokensPerSecond: 0, eta: 0, seconds: 0, path: '' }));
}

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds of the processor. */
  tdur?: number;
  args: { name?: string };
}

/** The most milliseconds of the processor that a task of the threads with this name needed. */
function longestOf({ traceEvents }: { traceEvents: TraceEvent[] }, thread: string): number {
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const named = traceEvents.filter(
    ({ name, args }) => name === 'thread_name' && args.name?.startsWith(thread),
  );
  const wanted = new Set(named.map(threadOf));
  const tasks = traceEvents.filter((event) => event.name.endsWith('RunTask') && wanted.has(threadOf(event)));
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur / 1000));
}

describe('a page that trains in a worker', { skip }, () => {
  test('stays free: its own tasks are short beside a step of the worker', async (t) => {
    await browser.startTracing(tab.page, { categories: ['toplevel'] });
    const { longestTask, longestGap, result } = await tab.run('pausesWithWorker');
    const trace = JSON.parse(String(await browser.stopTracing()));
    const page = longestOf(trace, 'CrRendererMain');
    const worker = longestOf(trace, 'DedicatedWorker');
    t.diagnostic(
      `${result[0]}: longest task ${page.toFixed(0)} ms of the processor, of the workers ${worker.toFixed(0)}; with what else the machine does, ${longestTask} ms, longest wait ${longestGap.toFixed(0)} ms`,
    );
    for (const event of ['eval 2', 'probe 2', 'sample 2', 'checkpoint 2', 'done 2', 'text'])
      assert.ok(result.includes(event), `${event} of ${result}`);
    // A ratio, as milliseconds are the machine's affair: a page that took a step needs what a worker does.
    assert.ok(page > 0 && page < worker / 2, `a task of the page took ${page} ms, of the workers ${worker}`);
  });

  test('is killed in the middle, opened again, and has the weights of a run that was not', async (t) => {
    const whole = await tab.run('trainHere', 'runs/whole', 40);
    assert.equal(whole.events.at(-1)?.type, 'done');

    const killed: number[] = [];
    for (const wanted of [1, 8, 15]) {
      const victim = await tab.another();
      const gone = new Promise((done) => victim.page.once('crash', done));
      victim.run('trainHere', 'runs/killed', 40).catch(() => undefined);
      await victim.page.waitForFunction(`here.steps.length >= ${wanted}`);
      killed.push(await victim.page.evaluate<number>('here.steps.at(-1)'));
      victim.page.goto('chrome://crash').catch(() => undefined);
      await gone;
      await victim.page.close();
    }
    t.diagnostic(`killed after steps ${killed.join(', ')}`);
    assert.ok(killed[0] < killed[2] && killed[2] < 40);

    const again = await tab.another();
    const { sums, events } = await again.run('trainHere', 'runs/killed', 40);
    assert.deepEqual(sums, whole.sums);
    assert.deepEqual(told(events), told(whole.events).slice(-events.length));
  });

  test('looks inside its model while that trains, and at an INT8 copy, with the results of Node', async () => {
    const worker = await openWorker({ backend: 'reference' });
    const wanted = await tour(worker).finally(worker.close);
    // Logarithms of one V8 differ from those of another in their last digits.
    const digits = (_: string, value: unknown): unknown =>
      typeof value === 'number' ? value.toFixed(9) : value;
    assert.equal(JSON.stringify(await tab.run('look', 'reference'), digits), JSON.stringify(wanted, digits));
    const { losses, heads, comparison, said } = await tab.run('look', 'wasm');
    assert.deepEqual([losses.length, heads.length], [wanted.losses.length, 4]);
    assert.ok(Number(losses.at(-1)) < Number(losses[0]), `${losses}`);
    assert.ok(comparison.ratio > 3 && comparison.kl < 0.01, JSON.stringify(comparison));
    assert.equal(said[0], said[1]);
  });
});
