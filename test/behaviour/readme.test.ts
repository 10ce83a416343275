// The examples of the README are run as they stand.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inkhorn } from './cli-process.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('the API example of the README runs', () => {
  const [, example] = readFileSync(`${root}README.md`, 'utf8').match(/```ts\n([\s\S]*?)```/) ?? [];
  assert.ok(example.split('\n').filter((line) => line.trim()).length <= 13, 'about twelve lines');
  const text = 'the cat sat on the mat; the dog ate the cat food; then the cat ran to the red barn.\n'.repeat(
    50,
  );
  // Run from the repository, where the package can import itself by its own name.
  const code = `const text = ${JSON.stringify(text)};\n${example}`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
  });
  const lines = printed.trim().split('\n');
  const [first, , last] = lines.map((line) => line.split(' ').map(Number));
  assert.deepEqual([first[0], last[0]], [0, 20]);
  assert.ok(last[2] < first[2] - 1, `the validation loss falls from ${first[2]} to ${last[2]}`);
});

test('the printed text of the README is what its command prints', async () => {
  const [, command, shown] =
    readFileSync(`${root}README.md`, 'utf8').match(
      /`npx inkhorn (generate [^`]*)`\):\n\n```text\n([\s\S]*?)```/,
    ) ?? [];
  // The reference engine: in another engine the last bit of a sum may occasionally lead to another token.
  const { code, stdout } = await inkhorn(root, [
    ...(command.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', '')),
    '--tokens',
    '100',
    '--backend',
    'reference',
  ]);
  assert.equal(code, 0);
  assert.ok(stdout.startsWith(shown.trimEnd()), `printed:\n${stdout}`);
});
