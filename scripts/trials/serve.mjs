// `inkhorn serve` under load: ten thousand requests, of which some are given up, cut off or wrong. Every
// answer must be the one that the same request gets alone, nothing may stay behind, and the memory of the
// server stays as it is, whatever the requests are: prompts of all lengths, as texts, tokens and lists, with
// and without their log-probabilities, one choice or several.
//   node scripts/trials/serve.mjs [REQUESTS, 10000]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { end, folder, program, trial } from './support/trial.mjs';

const REQUESTS = Number(process.argv[2] ?? 10_000);
const CLIENTS = 24;
const GROWTH_MB = 20;

const server = spawn(
  process.execPath,
  [program, 'serve', '--port', '0', '--json', '--max-body', '100', '--timeout', '300'],
  { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
);
process.on('exit', () => server.kill('SIGKILL'));
let said = '';
server.stderr.on('data', (data) => {
  said += data;
});
const { url } = JSON.parse((await once(server.stdout, 'data'))[0]);
const { port } = new URL(url);

let state = 20261129;
/** A whole number below n; the same ones in every trial. */
function random(n) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % n;
}

const PROMPTS = [
  'ROMEO:\n',
  'JULIET:\nO ',
  '',
  'To be, or not to be: that is the question: '.repeat(3),
  'é🙂',
];
const WORDS =
  'the and of thou my lord love death night, day. O come not what shall be good\n king speak'.split(' ');
/** A prompt of about that many tokens, at most as many. */
const text = (tokens) =>
  Array.from({ length: Math.ceil(tokens / 4) }, () => WORDS[random(WORDS.length)]).join(' ');
const ids = (tokens) => Array.from({ length: tokens }, () => random(256));
const CONTEXT = 256;
/** Requests that have one right answer. First short ones with all parameters, then prompts of all lengths. */
const asked = [
  ...Array.from({ length: 60 }, (_, i) => ({
    prompt: PROMPTS[i % PROMPTS.length],
    max_tokens: [1, 3, 8, 24, 0, 300][i % 6] || 1 + random(5),
    seed: i,
    ...(i % 3 === 0 && { logprobs: 1 + (i % 5) }),
    ...(i % 4 === 0 && { echo: true }),
    ...(i % 7 === 0 && { n: 2 }),
    ...(i % 5 === 0 && { stop: ['\n', 'e'] }),
    ...(i % 6 === 5 && i !== 5 && { max_tokens: 6 }), // one request only goes beyond the context window
  })),
  ...Array.from({ length: 180 }, (_, i) => {
    const length = 1 + random(CONTEXT - 16);
    const short = () => 1 + random(60);
    return {
      prompt: [text(length), ids(length), [text(short()), text(short())], [ids(short()), ids(short())]][
        i % 4
      ],
      max_tokens: i % 5 === 0 ? 0 : 1 + random(12),
      seed: i,
      ...(i % 2 === 0 && { logprobs: random(6) }),
      ...((i % 3 === 0 || i % 5 === 0) && { echo: true }),
      ...(i % 6 === 1 && { n: 1 + random(4) }),
      ...(i % 9 === 2 && { best_of: 3 }),
      ...(i % 11 === 3 && { presence_penalty: 1, frequency_penalty: 0.5, logit_bias: { 10: -100 } }),
    };
  }),
];
const right = [];
for (const body of asked) right.push((await (await post(body)).json()).choices);

const WRONG = [
  ['{"prompt": "a"', 400],
  ['[]', 400],
  ['{"prompt": "a", "max_tokens": -1}', 400],
  ['{"prompt": [999999]}', 400],
  ['{"prompt": "a", "suffix": "b"}', 400],
  [`{"prompt": "${'x'.repeat(120_000)}"}`, 413],
  ['\u0000\u0001', 400],
  [`{"prompt": [${'1,'.repeat(5000)}1]}`, 400],
  ['{"prompt": "a", "model": "another"}', 404],
  [`{"prompt": "a", "n": 128, "best_of": 128, "max_tokens": 9999}`, 400],
];

const counts = { whole: 0, streams: 0, left: 0, cut: 0, wrong: 0 };
let done = 0;
/** The most resident memory in each quarter of the requests, MB. In the first, caches and pools grow. */
const peaks = [0, 0, 0, 0];

await trial(`${REQUESTS} requests of ${CLIENTS} clients`, async () => {
  const client = async () => {
    while (done < REQUESTS) {
      const quarter = Math.floor((4 * done++) / REQUESTS);
      if (done % 100 === 0) peaks[quarter] = Math.max(peaks[quarter], memory());
      await request();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return Object.entries(counts)
    .map(([kind, n]) => `${n} ${kind}`)
    .join(', ');
});

await trial('nothing is left behind', async () => {
  for (let tries = 0; ; tries++) {
    const { models } = await (await fetch(`${url}health`)).json();
    if (models[0].writing === 0 && models[0].waiting === 0) break;
    assert.ok(tries < 1200, `still there: ${JSON.stringify(models)}`);
    await pause(100);
  }
  for (const [i, body] of asked.entries())
    assert.deepEqual((await (await post(body)).json()).choices, right[i], `request ${i} afterwards`);
  assert.doesNotMatch(said, /error/i);
});

await trial(`its memory grows by less than ${GROWTH_MB} MB`, async () => {
  const [, second, , last] = peaks;
  const found = `at most ${peaks.map((peak) => peak.toFixed(1)).join(', ')} MB in the quarters of the requests`;
  assert.ok(last - second < GROWTH_MB, found);
  return found;
});

await trial('it ends when asked to', async () => {
  const exit = once(server, 'exit');
  server.kill('SIGTERM');
  assert.deepEqual(await exit, [143, null]);
});
end();

/** One request of some kind. Throws when its answer is wrong. */
async function request() {
  const kind = random(10);
  const i = random(asked.length);
  if (kind < 4 || (kind < 6 && asked[i].best_of)) {
    counts.whole++;
    assert.deepEqual((await (await post(asked[i])).json()).choices, right[i], `request ${i}`);
  } else if (kind < 6) {
    counts.streams++;
    assert.deepEqual(
      await streamed(asked[i]),
      right[i].map(({ text }) => text),
      `stream ${i}`,
    );
  } else if (kind < 8) {
    counts.left++;
    await leaving({ ...asked[i], max_tokens: 200, stream: random(2) === 0 }, random(30));
  } else if (kind < 9) {
    counts.cut++;
    await cutOff(JSON.stringify(asked[i]), random(100));
  } else {
    counts.wrong++;
    const [body, status] = WRONG[random(WRONG.length)];
    const answer = await post(body);
    assert.equal(answer.status, status, body.slice(0, 40));
    assert.ok((await answer.json()).error.message);
  }
}

function post(body, signal) {
  return fetch(`${url}v1/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal,
  }).catch((error) => {
    if (!signal) throw new Error(`${error.message}: ${error.cause?.message}`);
    throw error;
  });
}

/** The texts of the choices of a stream. */
async function streamed(body) {
  const text = await (await post({ ...body, stream: true })).text();
  assert.ok(text.endsWith('data: [DONE]\n\n'), text.slice(-200));
  const texts = [];
  const events = text.split('\n\n').slice(0, -2);
  // A line that begins with a colon is a comment: the server is slow, and keeps the connection open.
  for (const event of events.filter((event) => !event.startsWith(':')))
    for (const choice of JSON.parse(event.slice(6)).choices)
      texts[choice.index] = (texts[choice.index] ?? '') + choice.text;
  return texts;
}

/** Leaves after some milliseconds, whatever has come by then. */
async function leaving(body, milliseconds) {
  const signal = AbortSignal.timeout(milliseconds);
  await post(body, signal)
    .then((answer) => answer.text())
    .catch((error) => assert.match(error.name, /AbortError|TimeoutError/));
}

/** Sends a part of a request, in per cent of its bytes, and ends the connection. */
async function cutOff(body, percent) {
  const text = `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text.slice(0, Math.floor((text.length * percent) / 100)));
  await pause(random(5));
  socket.destroy();
}

/** The resident memory of the server, MB. */
function memory() {
  const [, kilobytes] = readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/);
  return Number(kilobytes) / 1024;
}
