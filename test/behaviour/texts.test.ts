// Texts as commands take them: several inputs, standard input, documents with a token between them, bytes
// that are not text, short texts.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { inkhorn, inkhornShared, jsonLines, sentences } from './cli-process.ts';

const SMALL =
  '--preset tiny --n-layer 1 --n-embd 16 --n-head 1 --block-size 16 --batch-size 4 --steps 2 --probe-every 0 --sample-every 0';
const END = '<|endoftext|>';

let folder: string;
const run = (line: string, input?: string | Uint8Array): ReturnType<typeof inkhorn> =>
  input === undefined ? inkhornShared(folder, line.split(' ')) : inkhorn(folder, line.split(' '), input);

async function good(line: string, input?: string | Uint8Array): ReturnType<typeof run> {
  const result = await run(line, input);
  assert.equal(result.code, 0, `inkhorn ${line}: ${result.stderr}`);
  return result;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-texts-'));
  await mkdir(join(folder, 'docs'));
  await writeFile(join(folder, 'docs', 'a.txt'), sentences(60));
  await writeFile(join(folder, 'docs', 'b.md'), `${END} is text here.\n${sentences(40)}`);
  await writeFile(join(folder, 'docs', 'c.ts'), 'export const c = 3;\n');
  await writeFile(join(folder, 'more.txt'), sentences(20));
  await writeFile(join(folder, 'wide.txt'), Buffer.from(`\ufeff${sentences(60)}`, 'utf16le'));
  await writeFile(
    join(folder, 'latin1.txt'),
    Buffer.from('Ein schöner Tag für Gäste.\n'.repeat(60), 'latin1'),
  );
  await writeFile(join(folder, 'short.txt'), 'To be, or not to be');
  await good('tokenizer train --data more.txt --out plain.json --vocab-size 280');
});
after(() => rm(folder, { recursive: true }));

const dataOf = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(folder, name, 'history.json'), 'utf8')).data;

describe('several inputs', () => {
  test('in the order given; a run finds them again, and a report repeats them', async () => {
    await good(`train --data more.txt --data docs/*.ts --data docs --out several ${SMALL}`);
    assert.deepEqual((await dataOf('several')).inputs, ['more.txt', 'docs/*.ts', 'docs']);
    await good('train --resume several --steps 3');
    await good('eval --model several --max-tokens 32');
    const shown = await good('data show more.txt docs/*.ts docs --json');
    const [{ documents, sha256, bytes }] = jsonLines<Record<string, unknown>>(shown);
    assert.deepEqual([documents, sha256, bytes].slice(0, 1), [4]);
    assert.equal(sha256, (await dataOf('several')).sha256);
    const report = await readFile(join(folder, 'several', 'report.md'), 'utf8');
    assert.match(report, /--data more\.txt --data 'docs\/\*\.ts' --data docs --preset/);
  });

  test('standard input; what it held is not kept', async () => {
    await good(`train --data - --out piped ${SMALL}`, sentences(60));
    const { code, errors } = await run('eval --model piped');
    assert.equal(code, 2);
    assert.match(
      errors.join(),
      /was trained on standard input \([\d,]+ bytes, sha256 .*\), which is not kept: give --data/,
    );
    await good('train --resume piped --steps 3 --data -', sentences(60));
    assert.equal((await run('train --resume piped --steps 4 --data -', sentences(59))).code, 2);
    await good('data show -', 'a\nb\n');
  });

  test('a FIFO is not waited for a second time', { skip: process.platform === 'win32' }, async () => {
    const fifo = join(folder, 'fifo.txt');
    await promisify(execFile)('mkfifo', [fifo]);
    await Promise.all([writeFile(fifo, sentences(60)), good(`train --data fifo.txt --out through ${SMALL}`)]);
    const { code, errors } = await run('train --resume through --steps 3');
    assert.equal(code, 2);
    assert.match(errors.join(), /came through fifo\.txt, a FIFO, and is not kept: give --data$/);
  });
});

describe('documents', () => {
  test('--special stands between them as one token; its name in a text is text', async () => {
    const { stderr } = await good(`train --data docs --special ${END} --out separated ${SMALL}`);
    assert.match(stderr, /the text itself holds <\|endoftext\|>: there it is ordinary text/);
    assert.equal((await dataOf('separated')).separator, END);
    const tokenizer = 'separated/best/tokenizer.json';
    const ids = async (line: string): Promise<number[]> =>
      jsonLines<{ ids: number[] }>(await good(`tokenizer encode -t ${tokenizer} --json ${line}`))[0].ids;
    const [end] = await ids(`--allow-special ${END}`);
    const a = await ids('--special-as-text -f docs/a.txt');
    const b = await ids('--special-as-text -f docs/b.md');
    assert.ok(!a.includes(end) && !b.includes(end));
    const [evaluated] = jsonLines<{ tokens: number }>(await good('eval -m separated --split all --json'));
    assert.equal(evaluated.tokens, a.length + 1 + b.length - 1);
    await good('train --resume separated --steps 3');
    await good('quantize -m separated -o separated/int8 --max-tokens 32 --speed-tokens 0');
    assert.match(
      await readFile(join(folder, 'separated', 'report.md'), 'utf8'),
      /--special '<\|endoftext\|>'/,
    );
  });

  test('a tokenizer without the token is refused', async () => {
    const { code, errors } = await run(
      `train --data docs --tokenizer plain.json --special ${END} --out no ${SMALL}`,
    );
    assert.equal(code, 2);
    assert.match(
      errors.join(),
      /has no special token '<\|endoftext\|>' to put between documents: it has none/,
    );
  });
});

describe('what is no text', () => {
  test('is refused by every command that takes a text; --as-bytes takes it, and a run remembers', async () => {
    for (const line of [
      `train --data latin1.txt --out no ${SMALL}`,
      'tokenizer train --data latin1.txt --out no.json',
      'tokenizer encode -t plain.json --file latin1.txt',
      'data show latin1.txt',
      'eval --data latin1.txt',
      'inspect tokens --data latin1.txt',
      'quantize --data latin1.txt --out no',
    ]) {
      const { code, errors } = await run(line);
      assert.equal(code, 2, line);
      assert.match(errors.join(), /latin1\.txt looks like ISO-8859-1.*iconv.*--as-bytes/, line);
    }
    await good(`train --data latin1.txt --as-bytes --out bytes ${SMALL}`);
    await good('train --resume bytes --steps 3');
    await good('eval --model bytes');
    await good('tokenizer encode -t plain.json --file latin1.txt --as-bytes');
  });

  test('UTF-16 with a mark is converted, and said', async () => {
    const { stderr, stdout } = await good('data show wide.txt');
    assert.match(stderr, /wide\.txt is UTF-16LE by its byte order mark: converted to UTF-8/);
    assert.match(stdout, /the cat/);
  });
});

describe('the prompt of generate', () => {
  const start = async (line: string, input?: string): Promise<string> =>
    (await good(`generate --tokens 4 ${line}`, input)).stdout;

  test('comes from standard input, a file or a flag, without its last line break', async () => {
    await writeFile(join(folder, 'prompt.txt'), 'ROMEO:\n');
    const said = await start('--prompt ROMEO:');
    assert.ok(said.startsWith('ROMEO:'));
    assert.equal(await start('--seed 1337', 'ROMEO:\n'), said);
    assert.equal(await start('--prompt -', 'ROMEO:'), said);
    assert.equal(await start('--prompt-file prompt.txt', 'ignored'), said);
    assert.equal(await start('--prompt ROMEO:', 'ignored'), said);
    const both = await run('generate --prompt a --prompt-file prompt.txt');
    assert.match(both.errors.join(), /--prompt and --prompt-file are both given/);
    const binary = await run('generate', Buffer.alloc(50, 0));
    assert.match(binary.errors.join(), /standard input is binary data/);
  });
});

describe('the text of inspect', () => {
  test('comes from a file as from the flag, one of the two', async () => {
    await writeFile(join(folder, 'words.txt'), 'To be, or not\n');
    const said = await good('inspect tokens --text-file words.txt');
    assert.equal(
      said.stdout,
      (await inkhorn(folder, ['inspect', 'tokens', '--text', 'To be, or not'])).stdout,
    );
    const both = await run('inspect lens --text a --text-file words.txt');
    assert.match(both.errors.join(), /--text and --text-file are both given/);
    await writeFile(join(folder, 'letter.txt'), 'a');
    const few = await run('inspect ablate --text-file letter.txt');
    assert.match(few.errors.join(), /--text-file has 1 token: 2 or more are needed/);
    const wrong = await run('inspect attention --text-file latin1.txt');
    assert.match(
      wrong.errors.join(),
      /--text-file: latin1\.txt .*: convert it: iconv -f \S+ -t UTF-8 latin1\.txt > latin1\.utf8\.txt$/,
    );
  });
});

describe('short texts', () => {
  test('defaults that were not asked for make room, and say so', async () => {
    const { stderr } = await good(
      'train --data short.txt --preset tiny --steps 1 --out short --sample-every 0',
    );
    assert.match(stderr, /the text is short: a vocabulary of \d+ tokens, not 500/);
    assert.match(
      stderr,
      /the text is short: a context of \d+ tokens, not 128 \(\d+ to train on, \d+ to validate\)/,
    );
    await good('eval --model short');
    assert.match(
      (await good('tokenizer train --data short.txt --out s.json')).stderr,
      /a vocabulary of \d+ tokens, not 500/,
    );
  });

  test('what was asked for stays an error; so does a text that cannot be split', async () => {
    const asked = await run('train --data short.txt --preset tiny --out no --block-size 64');
    assert.match(asked.errors.join(), /the training part has \d+ tokens, a window needs 65/);
    const size = await run('train --data short.txt --preset tiny --out no --vocab-size 500');
    assert.match(size.errors.join(), /--vocab-size 500 is more than 19 bytes of text give/);
    const tiny = await run('train --data - --preset tiny --out no', 'abcdefghij');
    assert.match(tiny.errors.join(), /the text has 10 tokens: too short to split .*that takes 11\)/);
    await good('train --data - --preset tiny --out smallest --steps 1 --sample-every 0', 'abcdefghijk');
  });
});
