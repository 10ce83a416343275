// `inkhorn serve` from the outside, over HTTP: completions of the bundled model, one and sixteen at once,
// whole and as streams, and the time to the first token of a prompt of 200. The server is a process of its
// own; this one is its client, on the same machine.
//   npm run bench -- serve [--model DIR] [--turns 7] [--threads 2] [--backend auto]
//     [--weights int8|saved] [--peer URL] [--json]
// --peer: the address of another server with the same interface, already running, such as llama.cpp with the
// same model in Q8_0 (./peers/llama.mjs); the model is then one of --preset portable, exported to GGUF.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Contestant, takeTurns } from './support/contest.ts';
import { contestant } from './support/inkhorn.ts';
import { count, engineOptions, type Figure, peerOption, readOptions, show } from './support/program.ts';

const TOKENS = 200;
const AT_ONCE = 16;
const PROMPT = 200;

const options = readOptions({
  ...engineOptions,
  ...peerOption,
  model: { type: 'string' },
  weights: { type: 'string', default: 'int8' },
  turns: { type: 'string', default: '7' },
});
const threads = count('threads', options.threads);
const turns = count('turns', options.turns);

const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const flags = ['--threads', String(threads), '--backend', options.backend, '--weights', options.weights];
if (options.model !== undefined) flags.push('--model', options.model);
const server = spawn(process.execPath, [main, 'serve', '--port', '0', '--json', ...flags], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => server.kill());
const [line] = (await once(server.stdout, 'data')) as [Buffer];
const { url } = JSON.parse(String(line)) as { url: string };

const servers: readonly [name: string, url: string][] = [
  [`inkhorn, ${options.weights}`, url],
  ...options.peer.map((peer): [string, string] => [peer, peer]),
];
const text = 'ROMEO:\nWhat light through yonder window breaks? It is the east, and Juliet is the sun. ';
const { tokens } = (await (await post(url, 'tokenize', { prompt: text.repeat(8) })).json()) as {
  tokens: number[];
};
const long = tokens.slice(0, PROMPT);

const contestants = servers.flatMap(([name, where]): Contestant[] => [
  writing(`${name}: one`, where, 1, false),
  writing(`${name}: one stream`, where, 1, true),
  writing(`${name}: ${AT_ONCE} at once`, where, AT_ONCE, false),
  writing(`${name}: ${AT_ONCE} streams`, where, AT_ONCE, true),
]);
const rates = await takeTurns(contestants, turns);
const firsts = await takeTurns(
  servers.map(([name, where]) => first(name, where)),
  turns,
);
const [one, stream, many, streams] = rates;
const figures: Figure[] = [
  {
    title: `Completions of ${TOKENS} tokens`,
    unit: 'tokens/s',
    timings: rates,
    pairs: [
      [many, one],
      [streams, stream],
      ...rates.slice(4).map((peer, i) => [rates[i % 4], peer] as const),
    ],
  },
  { title: `First token after a prompt of ${PROMPT}`, unit: 'prompts/s', timings: firsts, pairs: [] },
];
show(figures, { threads, turns, json: options.json });
server.kill();

/** So many completions at once. */
function writing(name: string, where: string, n: number, streamed: boolean): Contestant {
  const includes = `${n} x ${TOKENS} tokens after a prompt of 5, temperature 0, ${streamed ? 'every event read' : 'whole answers'}`;
  const ask = async (): Promise<void> => {
    const body = { prompt: 'ROMEO:\n', max_tokens: TOKENS, temperature: 0, stream: streamed };
    await (await post(where, 'v1/completions', body)).text();
  };
  return contestant({ name, includes, amount: n * TOKENS }, async () => {
    await Promise.all(Array.from({ length: n }, ask));
  });
}

/** From the request to the first event of its stream. Every prompt is another one: none is remembered. */
function first(name: string, where: string): Contestant {
  let turn = 0;
  return contestant(
    { name, includes: 'request, prompt read, first event of the stream', amount: 1 },
    async () => {
      const prompt = [65 + (turn++ % 26), ...long.slice(1)];
      const answer = await post(where, 'v1/completions', {
        prompt,
        max_tokens: 2,
        temperature: 0,
        stream: true,
      });
      const reader = answer.body?.getReader();
      await reader?.read();
      await reader?.cancel();
    },
  );
}

async function post(where: string, path: string, body: object): Promise<Response> {
  const answer = await fetch(new URL(path, where), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${where}${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}
