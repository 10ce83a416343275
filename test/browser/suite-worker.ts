// A worker in which a suite runs: there, as in Node, reading may block.
import { type Result, runTests } from './shims/node-test.ts';

declare const self: {
  onmessage: ((event: { data: string }) => void) | null;
  postMessage(results: Result[]): void;
};

self.onmessage = async ({ data }): Promise<void> => {
  await import(new URL(data, import.meta.url).href);
  self.postMessage(await runTests());
};
