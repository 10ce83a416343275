// Builds the native engine from the command line: runs scripts/build-native.mjs in a process of its own, and
// waits for it or not.
import { fork, type StdioOptions, spawn } from 'node:child_process';
import { findAddon } from '../backend/native/addon-file.ts';
import { BUILD_SCRIPT } from '../backend/native/toolchain.ts';

/** Whether the engine is here: built from the present sources, or from elsewhere. */
export async function nativeIsReady(): Promise<boolean> {
  try {
    if (findAddon().origin !== 'built here') return true;
  } catch {
    return false;
  }
  return nativeIsBuilt();
}

async function nativeIsBuilt(): Promise<boolean> {
  return (await runBuild('ignore', '--check')) === 0;
}

/**
 * Builds it if possible, and reports on stdout (`quiet`: on stderr). Resolves to whether it is built
 * afterwards.
 */
export async function buildNative(quiet = false): Promise<boolean> {
  await runBuild(['ignore', quiet ? process.stderr : 'inherit', 'inherit']);
  return nativeIsBuilt();
}

function runBuild(stdio: StdioOptions, ...args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [BUILD_SCRIPT, ...args], { stdio });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
}

/** A build while something else goes on. It ends with this process, however that ends. */
export interface BackgroundBuild {
  /** Steps of the compiler so far; both are 0 before it has begun. */
  readonly progress: Readonly<BuildProgress>;
  /** Whether it is over, successful or not. */
  readonly over: boolean;
  /** Resolves when it is over. `onProgress` is told each step until then. */
  wait(onProgress: (progress: BuildProgress) => void): Promise<void>;
  /** Ends it and its compiler. */
  stop(): void;
}

interface BuildProgress {
  done: number;
  total: number;
}

/**
 * Begins to build the native engine, silently, and lets everything else go first. A failure is in the record
 * of the build, which every later attempt to load the engine reports. Resolves when the compiler runs; to
 * null where none can.
 */
export async function startNativeBuild(): Promise<BackgroundBuild | null> {
  const child = fork(BUILD_SCRIPT, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
  let progress: BuildProgress = { done: 0, total: 0 };
  let over = false;
  let listener: (progress: BuildProgress) => void = () => {};
  const end = new Promise<void>((resolve) => {
    for (const event of ['error', 'exit']) {
      child.on(event, () => {
        over = true;
        resolve();
      });
    }
  });
  const begun = new Promise<void>((resolve) => {
    child.on('message', (message: BuildProgress) => {
      progress = message;
      listener(progress);
      resolve();
    });
  });
  await Promise.race([begun, end]);
  if (over) return null;
  child.unref();
  child.channel?.unref();
  return {
    get progress() {
      return progress;
    },
    get over() {
      return over;
    },
    wait(onProgress) {
      listener = onProgress;
      child.ref();
      if (child.connected) child.channel?.ref();
      return end;
    },
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}
