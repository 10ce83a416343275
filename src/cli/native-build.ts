// Builds the native engine from the command line: runs scripts/build-native.mjs in a process of its own.
import { type StdioOptions, spawn } from 'node:child_process';
import { BUILD_SCRIPT } from '../backend/native/toolchain.ts';

/** Whether the engine is built from the present sources. */
export async function nativeIsBuilt(): Promise<boolean> {
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
