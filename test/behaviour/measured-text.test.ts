// What measures a model takes its text from wherever it was: a file, a folder, archives, JSON Lines, a file
// of tokens. The figures are those of the same text in memory, to the last digit; a text that is damaged, or
// another one now, is one line.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import type { EvalEvent, TrainEvent } from '../../src/train/events.ts';
import { drawNoPng, linesIn, sentences } from './cli-process.ts';

const END = '<|endoftext|>';
const MODEL = '--n-layer 1 --n-embd 32 --n-head 2 --block-size 16';
const RECIPE = '--batch-size 4 --steps 4 --eval-every 2 --sample-every 0 --probe-every 0';

/** The same text in every form, by the name of a run; and what `--data` and its flags say. */
const FORMS = {
  file: 'text.txt',
  folder: 'texts',
  gzip: 'text.txt.gz',
  zstd: 'text.txt.zst',
  archives: 'packed/*',
  lines: 'text.jsonl --field text',
  zipped: 'text.jsonl.gz --field text',
  tokens: 'text.bin',
} as const;
type Form = keyof typeof FORMS;
const others = (Object.keys(FORMS) as Form[]).filter((form) => form !== 'file');

const documents = [sentences(60), sentences(90).slice(100), sentences(50).slice(300)].map((text) =>
  text.trim(),
);
const text = documents.join('\n');
const lines = documents.map((text, id) => `${JSON.stringify({ id, text })}\n`).join('');

let folder = '';
const path = (name: string): string => join(folder, name);
const put = async (name: string, bytes: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(path(name)), { recursive: true });
  await writeFile(path(name), bytes);
};
const { good, bad } = linesIn(() => folder);
/** What a command says as JSON, without names and times. */
async function said(line: string): Promise<Record<string, unknown>> {
  const {
    data: _,
    model: __,
    before: ___,
    after: ____,
    seconds: _____,
    ...rest
  } = JSON.parse((await good(`${line} --json`)).stdout);
  assert.ok(Object.keys(rest).length > 0);
  return rest;
}
const known = new Map<string, ReturnType<typeof said>>();
/** The same of a run that does not change, asked once. */
function wanted(line: string): ReturnType<typeof said> {
  const answer = known.get(line) ?? said(line);
  known.set(line, answer);
  return answer;
}
const json = async (name: string) => JSON.parse(await readFile(path(name), 'utf8'));
const hash = async (name: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path(name)))
    .digest('hex');

/** A frame of Zstandard (RFC 8878) that stores `bytes` in blocks as they are. */
function zstd(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from('28b52ffda000000000', 'hex'); // one segment, its length in four bytes
  head.writeUInt32LE(bytes.length, 5);
  const blocks: Uint8Array[] = [head];
  for (let at = 0; at < bytes.length; at += 2 ** 16) {
    const block = bytes.subarray(at, at + 2 ** 16);
    const start = Buffer.alloc(3);
    start.writeUIntLE((block.length << 3) | (at + block.length === bytes.length ? 1 : 0), 0, 3);
    blocks.push(start, block);
  }
  return Buffer.concat(blocks);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-measured-'));
  drawNoPng(folder);
  await put('text.txt', text);
  await put('text.txt.gz', gzipSync(text));
  await put('text.txt.zst', zstd(Buffer.from(text)));
  await put('text.jsonl', lines);
  await put('text.jsonl.gz', gzipSync(lines));
  for (const [k, document] of documents.entries()) {
    await put(`texts/${k}.txt`, document);
    await put(`packed/${k}.gz`, gzipSync(document));
  }
  await put('new.txt', 'Whale, ho! The ship sails on; and on she sails.\n'.repeat(40));
  const tokenizer = Tokenizer.train(text, { vocabSize: 300, specialTokens: [END] });
  await put('t.json', JSON.stringify(tokenizer));
  await put('other.json', JSON.stringify(Tokenizer.train(text, { vocabSize: 301 })));
  await good('data encode texts -t t.json -o text.bin');
  for (const [form, data] of Object.entries(FORMS))
    await good(`train --data ${data} --tokenizer t.json ${MODEL} ${RECIPE} --out ${form}`);
});
after(() => rm(folder, { recursive: true }));

test('the runs are one run', async () => {
  for (const form of others)
    assert.equal(
      await hash(`${form}/best/model.safetensors`),
      await hash('file/best/model.safetensors'),
      form,
    );
});

/** The losses on the text that the model of a run knew before, while it learns another one. */
async function tune(form: Form): Promise<number[]> {
  await good(`train --from ${form} --data new.txt ${RECIPE} --out ${form}-tuned`);
  await good(`train --resume ${form}-tuned --steps 6`);
  const { events } = await json(`${form}-tuned/history.json`);
  return events.filter((event: TrainEvent) => event.type === 'eval').map(({ oldLoss }: EvalEvent) => oldLoss);
}
let tuned: ReturnType<typeof tune> | undefined;
const fileTuned = (): ReturnType<typeof tune> => {
  tuned ??= tune('file');
  return tuned;
};

describe('of a run, the same figures from', () => {
  for (const form of others) {
    /** A command has the same to say about both runs. */
    const same = async (line: (run: string) => string): Promise<void> =>
      assert.deepEqual(await said(line(form)), await wanted(line('file')));

    test(`${form}: eval`, async () => {
      for (const part of ['val', 'train', 'all']) await same((run) => `eval -m ${run} --split ${part}`);
      await same((run) => `eval -m ${run} --train-fraction 0.5 --validate inner --max-tokens 64`);
    });

    test(`${form}: compare`, () => same((run) => `compare ${run} ${run}/last --speed-tokens 0`));

    test(`${form}: quantize`, async () => {
      for (const [name, flags] of [
        ['q8', '--bits 8'],
        ['q4', '--bits 4 --group-size 32'],
      ]) {
        await same((run) => `quantize -m ${run} -o ${run}/${name} ${flags} --speed-tokens 0 --force`);
        for (const file of ['model.safetensors', 'layers.svg'])
          assert.equal(await hash(`${form}/${name}/${file}`), await hash(`file/${name}/${file}`));
        const record = (await json(`${form}/${name}/compare.json`)).data;
        assert.deepEqual(record.inputs, [FORMS[form].split(' ')[0]]);
        await same((run) => `eval -m ${run}/${name}`); // its text is found by the comparison's record
      }
    });

    test(`${form}: inspect`, async () => {
      for (const look of ['', ' attention', ' tokens', ' lens', ' ablate'])
        await same((run) => `inspect${look} -m ${run}`);
    });

    test(`${form}: the look of a run, made by report`, async () => {
      const kept = await json(`${form}/look.json`);
      await rm(path(`${form}/look.json`), { force: true });
      const { stderr } = await good(`report ${form}`);
      assert.match(stderr, /text: .*, which the model was trained on/);
      assert.deepEqual(await json(`${form}/look.json`), kept);
      assert.deepEqual(kept, await json('file/look.json'));
    });

    test(`${form}: fine-tuning measures what is forgotten; also resumed`, async () => {
      const found = await tune(form);
      assert.ok(found.length > 3 && found.every(Number.isFinite), String(found));
      assert.deepEqual(found, await fileTuned());
    });

    test(`${form}: by --data of another run`, async () => {
      const data = FORMS[form];
      assert.deepEqual(await said(`eval -m file --data ${data}`), await wanted('eval -m file'));
      assert.deepEqual(
        await said(`compare file file/last --speed-tokens 0 --data ${data}`),
        await wanted('compare file file/last --speed-tokens 0'),
      );
      assert.deepEqual(
        await said(`inspect tokens -m file --data ${data}`),
        await wanted('inspect tokens -m file'),
      );
    });
  }
});

test('JSON Lines of a run whose text was JSON Lines need no --field', async () => {
  await put('elsewhere/again.jsonl', lines);
  assert.deepEqual(await said('eval -m lines --data elsewhere/again.jsonl'), await said('eval -m lines'));
  await good('eval -m lines --data new.txt');
  assert.match(await bad('eval -m lines --field text'), /--field text has no effect without --data/);
  assert.match(
    await bad('eval -m lines --data text.jsonl --field text --as-bytes'),
    /--field takes text out of JSON, --as-bytes takes files as they are/,
  );
});

test('a token between documents', async () => {
  await good(`data encode text.jsonl --field text --separator ${END} -t t.json -o ended.bin`);
  const forms = { folder: 'texts', lines: 'text.jsonl --field text', tokens: 'ended.bin' };
  for (const [form, data] of Object.entries(forms)) {
    const special = form === 'tokens' ? '' : ` --special ${END}`;
    await good(`train --data ${data}${special} --tokenizer t.json ${MODEL} ${RECIPE} --out ended-${form}`);
    for (const line of ['eval --split all -m ', 'inspect tokens -m '])
      assert.deepEqual(await said(`${line}ended-${form}`), await said(`${line}ended-folder`));
    assert.deepEqual(
      await said(`eval -m ended-folder --split all --data ${data}`),
      await said('eval -m ended-folder --split all'),
    );
  }
});

describe('refused in one line', () => {
  const commands = ['eval -m file', 'compare file file/last', 'quantize -m file -o no', 'inspect -m file'];

  test('a file of tokens of another tokenizer, cut off, altered; a cut archive; lines without the field', async () => {
    await good('data encode text.txt -t other.json -o other.bin');
    const whole = await readFile(path('text.bin'));
    await put('cut.bin', whole.subarray(0, -100));
    const altered = Buffer.from(whole);
    altered[4096] ^= 1;
    await put('altered.bin', altered);
    await put('cut.gz', gzipSync(text).subarray(0, 200));
    for (const command of commands)
      for (const [data, wanted] of [
        ['other.bin', /other\.bin was encoded by another tokenizer \(other\.json, 301 tokens, /],
        ['cut.bin', /cut\.bin is cut off: it has [\d,]+ of [\d,]+ bytes: copy or encode it again/],
        ['altered.bin', /altered\.bin is damaged: block 1 of 1 was altered/],
        ['cut.gz', /cut\.gz is cut off: its gzip data ends in the middle/],
        ['text.jsonl --field txt', /text\.jsonl, line 1 has no field 'txt': it has id, text/],
        [
          'text.bin --field text',
          /is a file of tokens, in which --as-bytes, --field and --special are decided/,
        ],
      ] as const)
        assert.match(await bad(`${command} --data ${data}`), wanted);
    await assert.rejects(readFile(path('no/model.safetensors')));
  });

  test('a text that has changed since the run; what needs none goes on', async () => {
    const changes = {
      archives: 'packed/0.gz',
      gzip: 'text.txt.gz',
      lines: 'text.jsonl',
      tokens: 'text.bin',
    } as const;
    const replaced: Record<keyof typeof changes, Uint8Array> = {
      archives: gzipSync('another text'),
      gzip: gzipSync(text).subarray(0, 200),
      lines: Buffer.from(lines.replaceAll('text', 'txt')),
      tokens: Buffer.alloc(0),
    };
    await good('data encode new.txt -t t.json -o new.bin');
    replaced.tokens = await readFile(path('new.bin'));
    const wanted: Record<keyof typeof changes, RegExp> = {
      archives: /the run was trained on packed\/\* \(.*, and .* holds another text now \([\d,]+ bytes\)/,
      gzip: /the run was trained on text\.txt\.gz \(.*which cannot be read: text\.txt\.gz is cut off/,
      lines: /the run was trained on text\.jsonl \(.*which cannot be read: text\.jsonl, line 1 has no field/,
      tokens: /the run was trained on text\.bin \(.*, a file of tokens, and text\.bin has other tokens now/,
    };
    for (const form of Object.keys(changes) as (keyof typeof changes)[]) {
      const name = changes[form];
      const whole = await readFile(path(name));
      await put(name, replaced[form]);
      for (const line of [
        `eval -m ${form}`,
        `compare ${form} ${form}/last`,
        `inspect tokens -m ${form}`,
        `quantize -m ${form} -o no --bits 4 --group-size 32`,
        `train --resume ${form} --steps 6`,
      ])
        assert.match(await bad(line), wanted[form]);
      const { stderr } = await good(`quantize -m ${form} -o ${form}/left --force`);
      assert.match(stderr, /no comparison: the run was trained on /);
      await rm(path(`${form}/look.json`), { force: true });
      assert.match(
        (await good(`report ${form}`)).stderr,
        /no look inside the model: the run was trained on /,
      );
      const tuned = await good(`train --from ${form} --data new.txt ${RECIPE} --out tuned --force`);
      assert.match(tuned.stderr, /what is forgotten is not measured; --old-data FILE would/);
      await put(name, whole);
    }
  });
});
