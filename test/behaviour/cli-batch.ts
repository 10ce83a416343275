// Runs command lines one after another in one process: each message from the parent is the arguments of one,
// the answer is its result. The program is the same as in a process of its own; Node starts and modules load
// only once.
import { run } from '../../src/cli/program.ts';

/** The result of a command line; what it printed in base64. */
export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

type Write = (chunk: string | Uint8Array, ...rest: unknown[]) => boolean;

const streams = [process.stdout, process.stderr] as const;

async function answer(line: readonly string[]): Promise<Answer> {
  const said: Buffer[][] = [[], []];
  for (const [i, stream] of streams.entries()) {
    const write: Write = (chunk, ...rest) => {
      said[i].push(Buffer.from(chunk as string));
      const done = rest.at(-1);
      if (typeof done === 'function') queueMicrotask(() => done());
      return true;
    };
    stream.write = write as typeof stream.write;
  }
  const code = await run(line);
  const [stdout, stderr] = said.map((parts) => Buffer.concat(parts).toString('base64'));
  return { code, stdout, stderr };
}

let last: Promise<unknown> = Promise.resolve();
process.on('message', (line: string[]) => {
  last = last.then(async () => process.send?.(await answer(line)));
});
