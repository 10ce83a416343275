// `inkhorn data encode`, and training on what it writes: the same run as from the text itself, whether that
// is compressed, in JSON Lines or a file of tokens; a killed command goes on; what is damaged is one line.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { loadCorpus } from '../../src/corpora/index.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { inkhorn, linesIn } from './cli-process.ts';

const END = '<|endoftext|>';
let folder = '';
let text: Uint8Array;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-encode-'));
  process.env.INKHORN_CACHE = join(folder, 'cache');
  text = (await loadCorpus('moby-dick')).bytes.subarray(0, 60_000);
  await writeFile(join(folder, 'a.txt'), text);
  await writeFile(join(folder, 'a.txt.gz'), gzipSync(text));
  const tokenizer = Tokenizer.train(text, { vocabSize: 300, pattern: 'gpt2', specialTokens: [END] });
  await writeFile(join(folder, 't.json'), JSON.stringify(tokenizer));
  const other = Tokenizer.train(text, { vocabSize: 301 });
  await writeFile(join(folder, 'other.json'), JSON.stringify(other));
});
after(() => rm(folder, { recursive: true }));

const { good, bad } = linesIn(() => folder);
const hash = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(join(folder, file)))
    .digest('hex');

const TINY =
  '--backend reference --n-layer 1 --n-embd 16 --n-head 2 --block-size 16 --batch-size 4 --steps 4 --eval-every 2 --sample-every 0 --probe-every 0';

describe('training on a file of tokens', () => {
  test('is, bit for bit, training on the text; also resumed, and from a compressed text', async () => {
    assert.match(
      (await good('data encode a.txt -t t.json -o a.bin')).stdout,
      /^a\.bin: [\d,]+ tokens of 16 bits, .* from 60,000 bytes in 1 document \(/,
    );
    await good(`train --data a.txt --tokenizer t.json ${TINY} --out text`);
    await good(`train --data a.bin --tokenizer t.json ${TINY} --out tokens`);
    const zipped = await good(`train --data a.txt.gz --tokenizer t.json ${TINY} --out zipped`);
    assert.match(zipped.stderr, /kept in .*cache.tokens.[0-9a-f]{16}\.bin/);
    for (const out of ['text', 'tokens', 'zipped']) await good(`train --resume ${out} --steps 6`);
    const wanted = await hash('text/last/model.safetensors');
    assert.equal(await hash('tokens/last/model.safetensors'), wanted);
    assert.equal(await hash('zipped/last/model.safetensors'), wanted);
    const again = await good(`train --data a.txt.gz --tokenizer t.json ${TINY} --out zipped2`);
    assert.match(again.stderr, /since an earlier run/);
  });

  test('the cache says what it keeps, and forgets what no run has used for 60 days', async () => {
    const kept = join(folder, 'cache', 'tokens');
    const [old, recent] = ['0123456789abcdef.bin', 'fedcba9876543210.bin'].map((name) => join(kept, name));
    await mkdir(kept, { recursive: true });
    for (const [file, days] of [
      [old, 61],
      [recent, 59],
    ] as const) {
      await writeFile(file, 'tokens');
      await utimes(file, new Date(), new Date(Date.now() - days * 24 * 3600 * 1000));
    }
    assert.match(
      (await good('data')).stdout,
      /^tokens of large texts: \d+ files, .* 60 days after its last use/m,
    );
    await writeFile(join(folder, 'b.txt.gz'), gzipSync('To be, or not to be. '.repeat(500)));
    const { stderr } = await good(`train --data b.txt.gz --tokenizer t.json ${TINY} --out forgets`);
    assert.match(stderr, /removed 1 file of tokens \(6 bytes\) from .*, unused for 60 days/);
    assert.deepEqual([existsSync(old), existsSync(recent)], [false, true]);
  });

  test('refuses what is decided in it, another tokenizer, and one that has changed', async () => {
    await good('data encode a.txt -t t.json -o b.bin');
    const start = `train ${TINY} --out no --data b.bin`;
    assert.match(await bad(start), /is a file of tokens: give the tokenizer that made it .*\(t\.json\)/);
    assert.match(await bad(`${start} --tokenizer other.json`), /encoded by another tokenizer \(t\.json, /);
    assert.match(
      await bad(`${start} --tokenizer t.json --special ${END}`),
      /in which .* --special are decided/,
    );
    await good(`train --data b.bin --tokenizer t.json ${TINY} --out changed`);
    await writeFile(join(folder, 'more.txt'), 'more');
    await good('data encode a.txt more.txt -t t.json -o b.bin --force');
    assert.match(await bad('train --resume changed --steps 8'), /b\.bin has other tokens now: give --data/);
    const whole = await readFile(join(folder, 'b.bin'));
    await writeFile(join(folder, 'cut.bin'), whole.subarray(0, -100));
    assert.match(
      await bad(`train ${TINY} --out no --data cut.bin --tokenizer t.json`),
      /cut\.bin is cut off: it has/,
    );
    assert.ok(!existsSync(join(folder, 'no')));
  });

  test('learns its tokens from a compressed text as from the text', async () => {
    const learn = `--pattern gpt4 --vocab-size 290 ${TINY}`;
    await good(`train --data a.txt ${learn} --out learnt`);
    await good(`train --data a.txt.gz ${learn} --out learnt-zipped`);
    assert.equal(await hash('learnt-zipped/last/tokenizer.json'), await hash('learnt/last/tokenizer.json'));
  });
});

describe('JSON Lines', () => {
  test('are documents, separated as files are', async () => {
    const documents = ['First.\n', 'Second, "quoted".', 'Third: \u00e9\u4e2d.'];
    const lines = documents.map((text, id) => JSON.stringify({ id, text }));
    await writeFile(join(folder, 'd.jsonl'), `${lines.join('\n')}\n\n`);
    for (const [k, document] of documents.entries()) await writeFile(join(folder, `d${k}.txt`), document);
    const asked = `-t t.json --separator ${END}`;
    await good(`data encode d.jsonl --field text ${asked} -o lines.bin`);
    await good(`data encode d0.txt d1.txt d2.txt ${asked} -o files.bin`);
    const ids = async (file: string): Promise<Buffer> => (await readFile(join(folder, file))).subarray(4096);
    assert.deepEqual(await ids('lines.bin'), await ids('files.bin'));
    assert.match(
      await bad('data encode d.jsonl --field txt -t t.json -o no.bin'),
      /line 1 has no field 'txt': it has id, text/,
    );
    await writeFile(join(folder, 'e.jsonl'), `${lines[0]}\n{"text": 5}`);
    assert.match(
      await bad('data encode e.jsonl --field text -t t.json -o no.bin'),
      /line 2: field 'text' is no text, but 5/,
    );
    await writeFile(join(folder, 'e.jsonl'), `${lines[0]}\n{"text": "a`);
    assert.match(await bad('data encode e.jsonl --field text -t t.json -o no.bin'), /line 2 is not JSON/);
    assert.ok(!existsSync(join(folder, 'no.bin')) && !existsSync(join(folder, 'no.bin.partial')));
  });
});

/** What `zstd` makes of a line of 32 bytes, with a checksum. */
const ZSTD = 'KLUv/QRYAQEAQ2FsbCBtZSBJc2htYWVsLiBTb21lIHllYXJzIGFnbwrmbnGK';

describe('what is cut off', () => {
  test('an archive: where, and that nothing was written', async () => {
    const whole = await readFile(join(folder, 'a.txt.gz'));
    await writeFile(join(folder, 'cut.gz'), whole.subarray(0, 10_000));
    assert.match(
      await bad('data encode cut.gz -t t.json -o no.bin'),
      /cut\.gz is cut off: its gzip data ends in the middle, after [\d,]+ bytes of text/,
    );
    const wrong = Buffer.from(whole);
    wrong[9000] ^= 0xff;
    await writeFile(join(folder, 'wrong.gz'), wrong);
    assert.match(
      await bad('data encode wrong.gz -t t.json -o no.bin'),
      /wrong\.gz is damaged: its gzip data/,
    );
    await writeFile(join(folder, 'z.zst'), Buffer.from(ZSTD, 'base64'));
    await good('data encode z.zst -t t.json -o z.bin');
    await writeFile(join(folder, 'cut.zst'), Buffer.from(ZSTD, 'base64').subarray(0, 30));
    assert.match(await bad('data encode cut.zst -t t.json -o no.bin'), /cut\.zst is cut off: its zstd data/);
    assert.ok(!existsSync(join(folder, 'no.bin')) && !existsSync(join(folder, 'no.bin.partial')));
  });

  test('a pipe that ends within a character', async () => {
    const asked = ['data', 'encode', '-', '-t', 't.json', '-o', 'pipe.bin'];
    const cut = await inkhorn(folder, asked, Buffer.from('abc \xe2\x82', 'latin1'));
    assert.deepEqual(
      [
        cut.code,
        cut.errors.length,
        /ends in the middle of a character \(2 bytes of it, after byte 4\)/.test(cut.errors[0]),
      ],
      [2, 1, true],
    );
    const taken = await inkhorn(folder, [...asked, '--as-bytes'], Buffer.from('abc \xe2\x82', 'latin1'));
    assert.equal(taken.code, 0, taken.stderr);
  });
});

describe('a killed command', () => {
  for (const pattern of ['gpt2', 'none'])
    test(`goes on where it was: pattern ${pattern}`, async () => {
      const { bytes } = await loadCorpus('moby-dick');
      await writeFile(join(folder, 'long.txt'), Buffer.concat(Array.from({ length: 120 }, () => bytes)));
      const tokenizer = Tokenizer.train(text, { vocabSize: 400, pattern: pattern as 'none' });
      await writeFile(join(folder, 'k.json'), JSON.stringify(tokenizer));
      const asked = ['data', 'encode', 'long.txt', '-t', 'k.json', '--threads', '1', '-o'];
      const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
      const child = spawn(process.execPath, [main, ...asked, `killed-${pattern}.bin`], {
        cwd: folder,
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      const journal = join(folder, `killed-${pattern}.bin.partial`, 'journal.json');
      while (!existsSync(journal) && child.exitCode === null) await pause(20);
      child.kill('SIGKILL');
      await ended;
      assert.ok(existsSync(journal), 'it ended before it was killed: the text is too short');
      assert.ok(!existsSync(join(folder, `killed-${pattern}.bin`)));
      const rest = await good([...asked, `killed-${pattern}.bin`].join(' '));
      assert.match(rest.stderr, /of the text had been encoded before: went on from there/);
      await good([...asked, 'whole.bin', '--force'].join(' '));
      assert.equal(await hash(`killed-${pattern}.bin`), await hash('whole.bin'));
      assert.ok(
        (await stat(join(folder, `killed-${pattern}.bin`))).size > 1e6 &&
          !existsSync(join(folder, `killed-${pattern}.bin.partial`)),
      );
    });
});
