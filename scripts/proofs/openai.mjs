// OpenAI's own client for JavaScript against `inkhorn serve`: every call that it has for these paths. It does
// not belong to the tests: it installs the client from npm, into a folder of its own.
//
//   node scripts/proofs/openai.mjs
//
// The client asks for Node 22 by its engines and also runs on 20.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const VERSION = '7.55.0';

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-openai-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'package.json'), '{"private": true}');
const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `openai@${VERSION}`];
const { status, stderr } = spawnSync('npm', install, { cwd: folder, encoding: 'utf8' });
assert.equal(status, 0, stderr);
const { default: OpenAI } = await import(
  pathToFileURL(createRequire(join(folder, 'package.json')).resolve('openai')).href
);

const KEY = 'secret';
const flags = ['--port', '0', '--json', '--api-key', KEY, '--streams', '2', '--queue', '2'];
const server = spawn(process.execPath, [main, 'serve', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => server.kill());
const { url } = JSON.parse((await once(server.stdout, 'data'))[0]);
const client = new OpenAI({ baseURL: `${url}v1`, apiKey: KEY, maxRetries: 0 });
const asked = { model: 'shakespeare', prompt: 'ROMEO:\n', max_tokens: 24, temperature: 0, user: 'someone' };

const whole = await client.completions.create(asked);
assert.equal(whole.choices[0].finish_reason, 'length');
assert.equal(whole.usage.completion_tokens, 24);

let text = '';
let usage;
const streamed = { ...asked, stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.completions.create(streamed)) {
  text += chunk.choices[0]?.text ?? '';
  usage = chunk.usage ?? usage;
}
assert.equal(text, whole.choices[0].text);
assert.deepEqual(usage, whole.usage);

const scored = await client.completions.create({ ...asked, echo: true, logprobs: 2, max_tokens: 0 });
assert.deepEqual(scored.choices[0].logprobs.tokens.join(''), 'ROMEO:\n');
assert.equal(scored.choices[0].logprobs.token_logprobs[0], null);

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ['shakespeare']);
assert.equal((await client.models.retrieve('shakespeare')).object, 'model');

const refused = (call, kind, check) =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof kind, `${error}`);
    return check(error);
  });
await refused(
  client.completions.create({ ...asked, suffix: 'x' }),
  OpenAI.BadRequestError,
  (error) => error.param === 'suffix',
);
await refused(
  client.chat.completions.create({ model: 'shakespeare', messages: [{ role: 'user', content: 'Hi' }] }),
  OpenAI.BadRequestError,
  (error) => /base model/.test(error.message),
);
await refused(
  client.models.retrieve('gpt-9'),
  OpenAI.NotFoundError,
  (error) => error.code === 'model_not_found',
);
await refused(
  new OpenAI({ baseURL: `${url}v1`, apiKey: 'wrong' }).completions.create(asked),
  OpenAI.AuthenticationError,
  (error) => error.code === 'invalid_api_key',
);

// Leaving a stream ends its completion, and frees its place; a client that finds no place tries again.
for (let i = 0; i < 6; i++) {
  const stream = await client.completions.create({ ...asked, max_tokens: 4000, stream: true });
  for await (const _ of stream) break;
}
const patient = new OpenAI({ baseURL: `${url}v1`, apiKey: KEY, maxRetries: 10 });
const many = await Promise.all(Array.from({ length: 12 }, () => patient.completions.create(asked)));
assert.ok(many.every(({ choices }) => choices[0].text === whole.choices[0].text));

server.kill();
console.log(`openai ${VERSION}: completions (whole, streams, log-probabilities), models, errors, retries`);
