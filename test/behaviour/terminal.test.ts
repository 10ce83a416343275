// Output to a real terminal: util-linux' `script` runs the command line on one, `stty` sets its size.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { shellWord } from '../../src/base/shell.ts';
import { inkhorn, sentences } from './cli-process.ts';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'inkhorn-terminal-'));
after(() => rmSync(folder, { recursive: true }));

const { stdout: version = '' } = spawnSync('script', ['--version'], { encoding: 'utf8' });
const skip = version.includes('util-linux') ? false : 'there is no `script` of util-linux';

const ESCAPE = '\u001b';
const HOSTILE = `${ESCAPE}]0;mine\u0007${ESCAPE}[2J\u009b2J\u202eevil\b\r\n\tend\n`;
const CONTROL = /(?![\n\t\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

/** The output on a terminal with this number of columns. */
function onTerminal(columns: number, ...args: readonly string[]): string {
  const line = [process.execPath, main, ...args].map(shellWord).join(' ');
  const { stdout } = spawnSync('script', ['-qec', `stty cols ${columns} rows 24; ${line}`, '/dev/null'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '1', INKHORN_CACHE: join(folder, 'cache') },
  });
  return stdout;
}

describe('control characters of others', { skip }, () => {
  writeFileSync(join(folder, 'evil.txt'), HOSTILE);

  test('are written out on a terminal: texts, prompts, tokens, file names', () => {
    const lines = [
      ['data', 'show', 'evil.txt'],
      ['generate', '--tokens', '2', '--backend', 'reference', '--prompt', HOSTILE],
      ['tokenizer', 'encode', '-m', 'models', '--pieces', HOSTILE],
      ['data', 'show', `no${HOSTILE}.txt`],
      ['eval', `--${HOSTILE}`],
      [HOSTILE],
    ];
    for (const line of lines) {
      const seen = onTerminal(80, ...line);
      assert.doesNotMatch(seen, CONTROL, JSON.stringify(line));
    }
    assert.match(
      onTerminal(80, 'data', 'show', 'evil.txt'),
      /\\x1b\]0;mine\\x07\\x1b\[2J\\x9b2J\\u202eevil\\x08/,
    );
  });

  test('are what they are in a pipe, where they were asked for; never in messages', async () => {
    const shown = await inkhorn(folder, ['data', 'show', 'evil.txt']);
    assert.ok(shown.stdout.includes(`${ESCAPE}]0;mine\u0007${ESCAPE}[2J\u009b2J\u202eevil\b`));
    const refused = await inkhorn(folder, ['data', 'show', `no${ESCAPE}[2J.txt`]);
    assert.equal(refused.code, 2);
    assert.doesNotMatch(refused.stderr, CONTROL);
    assert.match(refused.stderr, /no\\+x?u?[0-9a-f]*1b\[2J\.txt/);
  });
});

test('a terminal of no columns gets lines, no drawing', { skip }, () => {
  writeFileSync(join(folder, 'text.txt'), sentences(200));
  const flags = ['--n-layer', '1', '--n-embd', '16', '--n-head', '2', '--block-size', '16'];
  const few = ['--steps', '4', '--batch-size', '2', '--eval-every', '2', '--vocab-size', '260'];
  const seen = onTerminal(0, 'train', '--data', 'text.txt', '--out', 'run', ...flags, ...few);
  assert.doesNotMatch(seen, CONTROL);
  assert.match(seen, /step 4\/4 {2}loss/);
  assert.ok(seen.length < 4000, `${seen.length} characters`);
});
