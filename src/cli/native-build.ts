// The build of the native engine as the command line starts it: scripts/build-native.mjs in a process of its
// own.
import { type StdioOptions, spawn } from 'node:child_process';
import { BUILD_SCRIPT } from '../backend/native/toolchain.ts';

/** Whether the engine is built, from the sources that are here. */
export async function nativeIsBuilt(): Promise<boolean> {
  return (await runBuild('ignore', '--check')) === 0;
}

/**
 * Builds it where it can be built, and says on stdout (`quiet`: on stderr) how that goes; resolves to whether
 * it is there then.
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
