// The library in a real page: compiled modules from a static folder, with and without threads. Its results
// are compared with those in Node.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { createWasm } from '../../src/backend/wasm/index.ts';
import { SHIPPED_MODEL } from '../../src/cli/models.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { nodeWasmHost } from '../../src/platform/node-wasm.ts';
import { launch, noChromium, openTab, type Tab } from './chromium.ts';
import { ISOLATED, type SiteOptions } from './site.ts';
import { type Losses, lesson, losses, speech } from './tasks.ts';

type Build = 'relaxed' | 'simd128';

const skip = noChromium();
let browser: Browser;
before(async () => {
  if (skip === false) browser = await launch();
});
after(() => browser?.close());

/** `work` on the engine of Node, which is disposed of. */
async function inNode<T>(engine: Backend, work: (engine: Backend) => Promise<T>): Promise<T> {
  return work(engine).finally(engine.dispose);
}

/** Node's WASM engine with this build, or null where this Node does not have it. */
async function nodeWasm(build: Build): Promise<Backend | null> {
  return createWasm({ ...nodeWasmHost(), wanted: build }, { threads: 2 }).catch((error: Error) => {
    assert.match(error.message, /^relaxed SIMD is not supported here/);
    return null;
  });
}

const inOneLesson = (engine: Backend): Promise<Losses> => losses(lesson(engine));
let onReference: Promise<Losses> | undefined;

/** Fails unless the losses of the page are those of Node: its bits where Node has this build. Says which. */
async function checkLosses(found: Losses, build: Build): Promise<string> {
  assert.deepEqual([found.steps.length, found.evals.length], [10, 2]);
  assert.ok(found.evals[1] < found.evals[0], `it learns: ${found.evals}`);
  const same = await nodeWasm(build);
  if (same !== null) {
    assert.deepEqual(found, await inNode(same, inOneLesson));
    return `bit for bit those of Node's ${build}`;
  }
  onReference ??= inNode(createReference(), inOneLesson);
  const wanted = await onReference;
  const off = Math.max(...found.steps.map((loss, i) => Math.abs(loss - wanted.steps[i])));
  assert.ok(off < 1e-4, `off by ${off}: ${found.steps} and ${wanted.steps}`);
  return `this Node has no relaxed SIMD: at most ${off.toExponential(1)} from the reference`;
}

/** Threads where the page is isolated, one where it is not; each with both builds. */
const variants = (['relaxed', 'simd128'] as const).flatMap((build) =>
  [true, false].map((isolated) => ({ build, isolated })),
);

for (const { build, isolated } of variants) {
  const options = { withoutRelaxed: build === 'simd128', headers: isolated ? ISOLATED : {} };
  const name = `${build}, ${isolated ? 'cross-origin isolated' : 'not isolated'}`;

  describe(`a page with wasm ${name}`, { skip }, () => {
    let tab: Tab;
    before(async () => {
      tab = await openTab(browser, options);
    });
    after(() => tab.close());

    test('auto takes it and says what it computes with', async () => {
      const { description, passedOver } = await tab.run('chosen');
      assert.equal(passedOver.length, 1, `${passedOver}`);
      assert.match(passedOver[0], /^webgpu: ([^\n]*)$/);
      const simd = build === 'relaxed' ? 'relaxed SIMD' : 'SIMD128';
      const threads = isolated ? '\\d+ threads?' : '1 thread: the page is not cross-origin isolated';
      assert.match(description, new RegExp(`^wasm \\(${simd}, ${threads}\\)$`));
    });

    test('the bundled model says what it says in Node', async () => {
      const wanted = await inNode((await nodeWasm(build)) ?? createReference(), (engine) =>
        speech(engine, folderStore(SHIPPED_MODEL)),
      );
      assert.equal(wanted.length, 24);
      assert.deepEqual(await tab.run('say', 'wasm'), wanted);
    });

    test('a training has the losses that it has in Node, and in a worker of the page', async (t) => {
      const found = await tab.run('learn', 'wasm');
      t.diagnostic(await checkLosses(found, build));
      if (!options.withoutRelaxed) assert.deepEqual(await tab.run('learnInWorker'), found);
    });

    test('it answers while it trains', async (t) => {
      const { longestTask, longestGap, result } = await tab.run('pauses');
      assert.equal(result, 60);
      t.diagnostic(`longest task ${longestTask.toFixed(0)} ms, longest wait ${longestGap.toFixed(0)} ms`);
    });
  });
}

const without = (ending: string): SiteOptions => ({
  alter: (path, bytes) => (path.endsWith(ending) ? null : bytes),
});
const policy = (rule: string): SiteOptions => ({ headers: { 'Content-Security-Policy': rule } });

/** Opens a page of this site, isolated, for `work`. */
async function onSite(site: SiteOptions, work: (tab: Tab) => Promise<void>, script?: string): Promise<void> {
  const tab = await openTab(browser, { ...site, headers: { ...ISOLATED, ...site.headers }, script });
  await work(tab).finally(tab.close);
}

describe('a page whose threads do not start computes with one, and says why in one line', { skip }, () => {
  const cases: [what: string, site: SiteOptions][] = [
    ['a worker that is not there', without('browser-wasm-worker.js')],
    ['an import of the worker that is not there', without('serve.js')],
    ['a policy that forbids workers', policy("worker-src 'none'")],
  ];
  const reason =
    'its threads do not start: a worker cannot be loaded: [^\\n]* is missing, [^\\n]*worker-src[^\\n]*';
  for (const [what, site] of cases)
    test(what, () =>
      onSite(site, async (tab) => {
        const { description, passedOver } = await tab.run('chosen');
        assert.match(description, new RegExp(`^wasm \\(relaxed SIMD, 1 thread: ${reason}\\)$`));
        assert.equal(passedOver.length, 1, `${passedOver}`); // webgpu
        await checkLosses(await tab.run('learn', 'wasm'), 'relaxed');
        // Threads that were asked for are not left out in silence.
        assert.match(await tab.run('refusal', 'wasm', { threads: 2 }), new RegExp(`^${reason}$`));
      }),
    );

  test('a page without SharedArrayBuffer', async () => {
    const tab = await openTab(browser, { script: 'delete globalThis.SharedArrayBuffer' });
    const { description } = await tab.run('chosen');
    assert.equal(description, 'wasm (relaxed SIMD, 1 thread: the page is not cross-origin isolated)');
    await checkLosses(await tab.run('learn', 'wasm'), 'relaxed');
    await tab.close();
  });
});

describe('a page that cannot have a worker, or files, says why in one line', { skip }, () => {
  const cases: [what: string, site: SiteOptions][] = [
    ['a worker that is not there', without('browser-worker-script.js')],
    ['an import of the worker that is not there', without('worker/serve.js')],
    ['a policy that forbids workers', policy("worker-src 'none'")],
  ];
  for (const [what, site] of cases)
    test(what, () =>
      onSite(site, async (tab) =>
        assert.match(
          await tab.run('workerRefusal'),
          /^the worker cannot be loaded: browser-worker-script\.js .* is missing, [^\n]*\(worker-src\)[^\n]*$/,
        ),
      ),
    );

  test('an engine that the worker does not have', () =>
    onSite(without('.wasm'), async (tab) => {
      assert.match(await tab.run('workerRefusal'), /^it works: reference/);
    }));

  test('http, elsewhere than on localhost', async () => {
    const insecure = await launch(['--host-resolver-rules=MAP inkhorn.test 127.0.0.1']);
    const tab = await openTab(insecure, { host: 'inkhorn.test' });
    const [read, write, lock, sums] = await tab.run('storageRefusals');
    assert.match(
      read,
      /^cannot read runs\/first\/a: the page has no file system of its own: it needs https or/,
    );
    assert.match(write, /^the page has no locks: it needs https or localhost$/);
    assert.equal(lock, write);
    assert.match(sums, /^a page computes checksums only on https or localhost/);
    await tab.close();
    await insecure.close();
  });
});

describe('a page where wasm does not work goes on with reference, and says why in one line', { skip }, () => {
  /** In place of `new WebAssembly.Memory(limits)`. */
  const memory = (made: string): string =>
    `const { Memory } = WebAssembly; WebAssembly.Memory = function (limits) { ${made} };`;
  const cases: { what: string; site: SiteOptions; script?: string; reason: RegExp }[] = [
    {
      what: 'a file that is cut off',
      site: {
        alter: (path, bytes) => (path.endsWith('.wasm') && bytes ? bytes.subarray(0, 200_000) : bytes),
      },
      reason: /^relaxed\.wasm does not compile: .*; install inkhorn again if it is damaged/,
    },
    {
      what: 'a file that is not there',
      site: without('.wasm'),
      reason: /^relaxed\.wasm cannot be read: http\S+relaxed\.wasm answers 404 Not Found: publish it too$/,
    },
    {
      what: 'a page in place of the file, from a server that has always an answer',
      site: { ...without('.wasm'), fallback: true },
      reason:
        /^relaxed\.wasm cannot be read: http\S+relaxed\.wasm answers with a web page instead of the file/,
    },
    {
      what: 'a policy that forbids WASM',
      site: policy("script-src 'self'"),
      reason: /^relaxed\.wasm does not compile: .*; add 'wasm-unsafe-eval' to script-src/,
    },
    {
      what: 'a policy that forbids to fetch',
      site: policy("connect-src 'none'"),
      reason:
        /^relaxed\.wasm cannot be read: http\S+relaxed\.wasm: .*; check the connection, and connect-src/,
    },
    {
      what: 'memory that cannot be had',
      site: {},
      script: memory("throw new RangeError('could not allocate memory')"),
      reason: /^there is no shared WebAssembly memory here: could not allocate memory; close other tabs/,
    },
  ];
  for (const { what, site, script, reason } of cases)
    test(what, () =>
      onSite(
        site,
        async (tab) => {
          const { description, passedOver } = await tab.run('chosen');
          assert.match(description, /^reference/);
          assert.equal(passedOver.length, 2);
          const [, detail] = passedOver[1].match(/^wasm: ([^\n]*)$/) ?? [];
          assert.match(detail, reason);
          assert.equal(await tab.run('refusal', 'wasm'), detail);
        },
        script,
      ),
    );

  test('files of any type, from a server that knows none', () =>
    onSite({ types: { '.wasm': 'text/plain' } }, async (tab) => {
      assert.match((await tab.run('chosen')).description, /^wasm/);
    }));

  test('memory that cannot grow any more ends a training, and leaves the engine whole', () =>
    onSite(
      {},
      async (tab) => {
        const { reason, after } = await tab.run('learnTooMuch');
        assert.match(
          reason,
          /^out of memory: [\d.]+ MB more than the \d+ MB that WebAssembly has here: use a smaller batch or model$/,
        );
        assert.equal(after, 'done');
      },
      memory('return new Memory({ ...limits, maximum: 600 })'),
    ));
});
