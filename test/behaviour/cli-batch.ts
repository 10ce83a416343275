// Runs many command lines in one process. Reads a JSON list of argument lists from standard input and writes
// a JSON list of their results. The program is the same as in a process of its own; only Node starts once.
import { run } from '../../src/cli/program.ts';

const parts: Buffer[] = [];
for await (const part of process.stdin) parts.push(part as Buffer);
const lines = JSON.parse(Buffer.concat(parts).toString()) as string[][];

const streams = [process.stdout, process.stderr] as const;
const originals = streams.map((stream) => stream.write.bind(stream));
const results: { code: number; stdout: string; stderr: string }[] = [];
for (const line of lines) {
  const said = ['', ''];
  for (const [i, stream] of streams.entries()) {
    stream.write = (text: string | Uint8Array): boolean => {
      said[i] += typeof text === 'string' ? text : Buffer.from(text).toString();
      return true;
    };
  }
  const code = await run(line);
  for (const [i, stream] of streams.entries()) stream.write = originals[i];
  results.push({ code, stdout: said[0], stderr: said[1] });
}
process.stdout.write(JSON.stringify(results));
