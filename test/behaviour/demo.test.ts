// The demo in a fresh clone: it speaks before the C++ engine is compiled, takes it when it is, and leaves no
// compiler behind. A script stands for the compiler of the kernels, and "links" the addon that is built here.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sentences } from './cli-process.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const addon = join(root, 'build/Release/inkhorn.node');

let clone: string;

/** A clone with everything but the engine. */
before(() => {
  clone = mkdtempSync(join(tmpdir(), 'inkhorn-clone-'));
  for (const file of [
    'package.json',
    'tsconfig.json',
    'CMakeLists.txt',
    'scripts/build-native.mjs',
    'native',
  ])
    cpSync(join(root, file), join(clone, file), { recursive: true });
  const filter = (file: string): boolean => !/\.(ts|map)$/.test(file);
  cpSync(join(root, 'dist/src'), join(clone, 'dist/src'), { recursive: true, filter });
  for (const name of ['models', 'assets', 'node_modules']) symlinkSync(join(root, name), join(clone, name));
  writeFileSync(join(clone, 'text.txt'), sentences(300));
});

// A killed compiler may still be writing for a moment.
after(() => rmSync(clone, { recursive: true, maxRetries: 9, retryDelay: 100 }));

/** What the compiler does with a file of kernels; `$out` is where the object belongs. */
const COMPILES = ': > "$out"';
const FAILS = 'echo "kernel.cpp:1: error: no" >&2; exit 1';
const HANGS = 'echo $$ >> "$PIDS"; sleep 1000 & echo $! >> "$PIDS"; wait';

/** A compiler: the machine's where CMake tries it, `does` for the engine's sources, a copy for the addon. */
function compiler(does: string): string {
  const file = join(clone, 'c++');
  writeFileSync(
    file,
    `#!/bin/sh
prev=; out=; source=
for word do
  [ "$prev" = -o ] && out=$word
  case $word in ${clone}/native/probe/*) ;; ${clone}/native/*.cpp) source=$word ;; esac
  prev=$word
done
case $out in
  *linked.node) cp '${addon}' "$out" ;;
  *) if [ -n "$source" ]; then ${does}
     else exec '${process.env.CXX ?? 'c++'}' "$@"; fi ;;
esac
`,
  );
  chmodSync(file, 0o755);
  return file;
}

interface Demo {
  child: ChildProcess;
  /** Everything printed so far, in the order of arrival. */
  text(): string;
  /** Resolves when it has printed this. */
  printed(part: RegExp): Promise<void>;
  /** Resolves to its exit code, or its signal. */
  ended: Promise<number | string>;
}

function demo(env: NodeJS.ProcessEnv, ...args: readonly string[]): Demo {
  rmSync(join(clone, 'build'), { recursive: true, force: true });
  const child = spawn(
    process.execPath,
    [join(clone, 'dist/src/cli/main.js'), 'demo', '--data', 'text.txt', '--force', '--out', 'run', ...args],
    { cwd: clone, env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let text = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      for (const look of waiting) look();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const printed = (part: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (part.test(text) && waiting.delete(look)) resolve();
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without ${part}:\n${text}`)));
    });
  return { child, text: () => text, printed, ended };
}

const SPEAKS = /Before we begin.*ROMEO:.*\n/s;

describe('the demo without a compiled engine', { skip: process.platform === 'win32' }, () => {
  test('speaks at once, says what is being compiled, and ends with the C++ engine', {
    skip: existsSync(addon) ? false : 'no addon is built here',
  }, async () => {
    const { text, ended } = demo({ CXX: compiler(COMPILES) }, '--steps', '4');
    assert.equal(await ended, 0);
    const begun = text().indexOf('engine: wasm');
    assert.match(text(), /engine: wasm \(.*\); the C\+\+ engine, which is faster, is being compiled\n/);
    assert.ok(begun < text().search(SPEAKS), text());
    assert.ok(text().indexOf('engine: native') > text().search(SPEAKS), text());
    assert.equal(text().match(/engine: /g)?.length, 2, text());
    assert.match(text(), /Everything is in run/);
    assert.ok(existsSync(join(clone, 'build/Release/inkhorn.node')));
    const { engine } = JSON.parse(readFileSync(join(clone, 'run/run.json'), 'utf8')) as { engine: string };
    assert.match(engine, /^(wasm|native) /);
  });

  test('goes on in WebAssembly where the compilation fails, and says so in one line', async () => {
    const { child, text, printed, ended } = demo({ CXX: compiler(FAILS) }, '--steps', '2');
    await printed(/engine native is not used[\s\S]*engine: wasm/);
    child.kill('SIGKILL');
    await ended;
    assert.match(text(), SPEAKS);
    assert.match(text(), /engine native is not used: not built: its compilation failed .*`npm run build`/);
    assert.doesNotMatch(text(), /kernel\.cpp|engine: native/);
    assert.ok(!existsSync(join(clone, 'build/Release/inkhorn.node')));
  });

  test('goes on in WebAssembly where there is no compiler', async () => {
    const bare = join(clone, 'bare');
    mkdirSync(bare);
    symlinkSync(process.execPath, join(bare, 'node'));
    const { child, text, printed, ended } = demo({ CXX: '', PATH: bare });
    await printed(/1\. Tokens/);
    child.kill('SIGKILL');
    await ended;
    assert.match(
      text(),
      /^engine native is not used: not built: no C\+\+ compiler was found; [\s\S]*\nengine: wasm/m,
    );
    assert.doesNotMatch(text(), /compiled/);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    test(`${signal} ends its compiler, too`, async () => {
      const PIDS = join(clone, `pids-${signal}`);
      const { child, printed, ended } = demo({ CXX: compiler(HANGS), PIDS }, '--steps', '100000');
      await printed(SPEAKS);
      while (!existsSync(PIDS)) await sleep(20);
      const pids = readFileSync(PIDS, 'utf8').trim().split('\n').map(Number);
      child.kill(signal);
      if (signal === 'SIGINT') {
        await sleep(200); // a second one within 100 ms counts as the first
        child.kill(signal); // during training the first only asks
      }
      await ended;
      while (pids.some(runs)) await sleep(20);
      assert.ok(!existsSync(join(clone, 'build/Release/inkhorn.node')));
    });
  }
});

/** Whether a process runs. One that has ended and is not collected yet does not. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) [ZX] /.test(readFileSync(stat, 'utf8'));
}
