// The command line, end to end, as a person would use it: train, generate, eval, inspect, quantize, compare,
// tokenizer, data.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inkhorn, inkhornBatch, inkhornShared, jsonLines, sentences } from './cli-process.ts';

/** A model that trains in a second on any engine. */
const SMALL =
  '--preset tiny --n-layer 2 --n-embd 16 --n-head 2 --block-size 16 --batch-size 4 --vocab-size 280 --lr 0.01 ' +
  '--eval-every 10 --probe-every 10 --sample-every 20 --sample-tokens 8';

let folder: string;
const run = (line: string, input?: string | Uint8Array): ReturnType<typeof inkhorn> =>
  input === undefined ? inkhornShared(folder, line.split(' ')) : inkhorn(folder, line.split(' '), input);

/** Runs and expects success. */
async function good(line: string, input?: string | Uint8Array): ReturnType<typeof run> {
  const result = await run(line, input);
  assert.equal(result.code, 0, `inkhorn ${line}: ${result.stderr}`);
  assert.deepEqual(result.errors, []);
  return result;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inkhorn-cli-'));
  await writeFile(join(folder, 'text.txt'), sentences(150));
  await good(`train --data text.txt --out run ${SMALL} --steps 20 --json`);
  await good('quantize --model run --out int8 --max-tokens 64 --speed-tokens 4');
});

after(() => rm(folder, { recursive: true }));

describe('train', () => {
  test('leaves a run: checkpoints, history, report, pictures', async () => {
    const entries = await readdir(join(folder, 'run'));
    for (const name of ['best', 'last', 'history.json', 'report.md', 'report.html', 'look.json'])
      assert.ok(entries.includes(name), name);
    assert.ok(entries.every((name) => !/\.(png|svg)$/.test(name)));
    const pictures = await readdir(join(folder, 'run/figures'));
    for (const name of [
      'loss.png',
      'relu-activations.svg',
      'attention.png',
      'attention-heads.svg',
      'token-loss.json',
      'logit-lens.png',
    ])
      assert.ok(pictures.includes(name), name);
  });

  test('ends with the next command, which works as it stands', async () => {
    const small = SMALL.replace('--sample-every 20', '--sample-every 2 --sample-prompt the');
    const line = `train --data text.txt ${small} --steps 2`.split(' ');
    const { stdout } = await inkhorn(folder, [...line, '--out', "it's my run"]);
    const [, next] = stdout.match(/^next: (.*)$/m) ?? [];
    assert.match(next ?? stdout, /generate --model 'it'\\''s my run' --prompt/);
    const { status, stderr } = spawnSync('sh', ['-c', next], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  test('goes on where it ended, and says so as events', async () => {
    await good(`train --data text.txt --out again ${SMALL} --steps 10`);
    const events = jsonLines<{ type: string; step?: number; loss?: number }>(
      await good('train --resume again --steps 12 --json'),
    );
    assert.deepEqual(
      events.filter(({ type }) => type === 'step').map(({ step }) => step),
      [11, 12],
    );
    assert.equal(events.at(-1)?.type, 'done');
  });
});

describe('train --probe-taps', () => {
  test('what the probes see beside the ReLUs is in the history, the reports and what goes on', async () => {
    await good(
      `train --data text.txt --out seen ${SMALL} --steps 20 --probe-taps blocks.*.out --probe-taps logits`,
    );
    await good('train --resume seen --steps 30');
    const { events } = JSON.parse(await readFile(join(folder, 'seen/history.json'), 'utf8')) as {
      events: { type: string; step: number; taps: { name: string }[] }[];
    };
    const probes = events.filter(({ type }) => type === 'probe');
    assert.deepEqual(
      probes.map(({ step, taps }) => [step, ...taps.map(({ name }) => name)].join(' ')),
      [10, 20, 30].map(
        (step) => `${step} blocks.0.mlp.act blocks.0.out blocks.1.mlp.act blocks.1.out logits`,
      ),
    );
    const [page, markdown] = [
      await readFile(join(folder, 'seen/report.html'), 'utf8'),
      await readFile(join(folder, 'seen/report.md'), 'utf8'),
    ];
    assert.match(page, /blocks\.N\.out, spread of the gradient/);
    assert.match(markdown, /^\| logits \|/m);
    assert.match(markdown, /--probe-taps 'blocks\.\*\.out' --probe-taps logits --out/);
    assert.doesNotMatch(markdown.match(/ReLU health.*?Named values/s)?.[0] ?? '', /logits/);
    assert.match((await good('inspect health -m seen')).stdout, /Named values.*logits/s);
  });
});

describe('train on an inner split', () => {
  test('the run, its report, what is resumed and what measures it keep to it', async () => {
    await good(`train --data text.txt --out inner ${SMALL} --validate inner --steps 10`);
    const { stdout } = await good('train --resume inner --steps 12');
    assert.match(stdout, /inner split/);
    const history = JSON.parse(await readFile(join(folder, 'inner/history.json'), 'utf8')) as {
      data: { validate: string };
      events: { type: string; valLoss?: number }[];
    };
    assert.equal(history.data.validate, 'inner');
    assert.match(await readFile(join(folder, 'inner/report.md'), 'utf8'), /Best loss on the inner split/);
    const losses = history.events.flatMap(({ valLoss }) => valLoss ?? []);
    const [own] = jsonLines<EvalResult>(await good('eval --model inner --json'));
    assert.ok(Math.abs(own.loss - Math.min(...losses)) < 1e-5, `${own.loss} of ${losses}`);
    const [whole] = jsonLines<EvalResult>(await good('eval --model inner --validate validation --json'));
    assert.ok(whole.tokens > own.tokens);
    assert.match((await run('train --resume inner --validate validation')).stderr, /only --steps can change/);
  });
});

describe('report', () => {
  test('is written again from the folder, where it is or elsewhere', async () => {
    const before = await readFile(join(folder, 'run/report.html'), 'utf8');
    await rm(join(folder, 'run/report.html'));
    const [{ best, files }] = jsonLines<{ best: { valLoss: number }; files: string[] }>(
      await good('report run --json'),
    );
    assert.equal(await readFile(join(folder, 'run/report.html'), 'utf8'), before);
    assert.ok(before.includes(best.valLoss.toFixed(4)));
    assert.deepEqual(files.slice(0, 2), ['run/report.html', 'run/report.md']);
    await rm(join(folder, 'run/look.json'));
    // A checkpoint stands for its run.
    assert.match((await good('report run/best')).stderr, /text: .*text\.txt/);
    assert.equal(await readFile(join(folder, 'run/report.html'), 'utf8'), before);
    await good('report run --out elsewhere');
    assert.ok((await readdir(join(folder, 'elsewhere'))).includes('report.html'));
  });

  test('--card writes a model card beside the model: its curve, its quality in each format, its samples', async () => {
    const [{ files, formats, tokens }] = jsonLines<{
      files: string[];
      formats: { name: string; bytes: number; loss: number; tokensPerSecond: number }[];
      tokens: number;
    }>(await good('report run --card --json'));
    assert.deepEqual(files, ['run/best/README.md', 'run/best/loss.png']);
    const card = await readFile(join(folder, files[0]), 'utf8');
    const [own] = jsonLines<EvalResult>(await good('eval --model run --json'));
    assert.ok(card.startsWith('---\npipeline_tag: text-generation\n'));
    assert.equal(tokens, own.tokens);
    assert.ok(Math.abs(formats[0].loss - own.loss) < 1e-5);
    // Its rows are too short for INT4.
    assert.match(formats.map(({ name }) => name).join(), /^float32, as trained,INT8, [^,]+$/);
    assert.ok(formats[0].bytes > 2 * formats[1].bytes);
    for (const { name, loss, tokensPerSecond } of formats) {
      assert.ok(tokensPerSecond > 0, name);
      assert.ok(card.includes(`| ${name} |`) && card.includes(loss.toFixed(4)), name);
    }
    assert.match(
      card,
      /## Data\n\ntext\.txt, [\d,]+ bytes, sha256 `[\da-f]{64}`\. The first 90 % trained the model/,
    );
    assert.match(card, /inkhorn train --data text\.txt/);
    assert.match(card, /this model \|\n/);
    assert.equal((await run('report run --card')).code, 2);
    assert.match((await run('report run --card')).stderr, /README\.md exists: --force replaces it/);
    await good('report run --card --out carded --data text.txt');
    assert.deepEqual((await readdir(join(folder, 'carded'))).sort(), ['README.md', 'loss.png']);
    await good('generate -m run/best --tokens 3'); // a card does not hide the model
  });

  test('removes the pictures of a report of older layout, and nothing that only has such a name', async () => {
    await cp(join(folder, 'run'), join(folder, 'old'), { recursive: true });
    const shown = ['loss.png', 'loss.svg', 'loss.json'];
    const others = ['health.png', 'notes.png', 'loss.txt'];
    for (const name of [...shown, ...others]) await writeFile(join(folder, 'old', name), 'x');
    await writeFile(join(folder, 'old/report.md'), '# Old\n\n![Loss](loss.png)\n\n![Mine](notes.png)\n');
    await good('report old');
    const left = await readdir(join(folder, 'old'));
    assert.deepEqual(
      left.filter((name) => shown.includes(name)),
      [],
    );
    assert.deepEqual(
      others.filter((name) => !left.includes(name)),
      [],
    );
    assert.ok((await readdir(join(folder, 'old/figures'))).includes('loss.png'));
  });

  test('of a run that has not ended is made from its last checkpoint', async () => {
    await good(`train --data text.txt --out killed ${SMALL} --steps 10`);
    await rm(join(folder, 'killed/history.json'));
    await rm(join(folder, 'killed/look.json'));
    await writeFile(join(folder, 'gone.txt'), sentences(150));
    await good(`train --data gone.txt --out gone ${SMALL} --steps 10`);
    await rm(join(folder, 'gone.txt'));
    await rm(join(folder, 'gone/look.json'));
    assert.match((await good('report gone')).stderr, /no look inside the model: .*gone\.txt/);
    await good('report killed');
    assert.match(await readFile(join(folder, 'killed/report.md'), 'utf8'), /has done 10 of 10 steps so far/);
  });

  test('shows what was inspected in the run, until the model is another one', async () => {
    await cp(join(folder, 'run'), join(folder, 'asked'), { recursive: true, preserveTimestamps: true });
    const page = async (): Promise<string> => {
      await good('report asked');
      return readFile(join(folder, 'asked/report.html'), 'utf8');
    };
    const before = await page();
    await good('inspect attention -m asked --text zebra --out asked/inspect');
    assert.notEqual(await page(), before);
    const asked = await page();
    const file = join(folder, 'asked/inspect/attention.json');
    const later = new Date(Date.now() + 60_000);
    // As a copy or clone may have it.
    await utimes(join(folder, 'asked/best/model.safetensors'), later, later);
    assert.equal(await page(), asked);
    const { step, ...found } = JSON.parse(await readFile(file, 'utf8')) as { step: number };
    assert.equal(step, 20);
    await writeFile(file, JSON.stringify({ step: step + 1, ...found }));
    await rm(join(folder, 'asked/inspect/attention-heads.json'));
    const { stderr } = await good('report asked');
    assert.match(stderr, /attention\.json is of step 21, the model of the run of step 20/);
    assert.equal(await page(), before);
  });

  test('its command does the run again, bit for bit', async () => {
    const markdown = await readFile(join(folder, 'run/report.md'), 'utf8');
    const command = markdown.match(/inkhorn (train .*) --out runs\/again/)?.[1] ?? '';
    await good(`${command} --out twin`);
    const model = (name: string): Promise<Buffer> => readFile(join(folder, name, 'last/model.safetensors'));
    assert.ok((await model('twin')).equals(await model('run')));
  });

  test('of several runs says what differs, and draws a page where one is asked for', async () => {
    await good(`train --data text.txt --out faster ${SMALL.replace('0.01', '0.02')} --steps 20`);
    const { stdout, stderr } = await good('report run faster');
    assert.match(stdout, /lr +0\.01 +0\.02/);
    assert.match(stderr, /--out DIR/);
    const [{ runs, differences, files }] = jsonLines<{
      runs: { label: string; best: { valLoss: number } }[];
      differences: { name: string; values: string[] }[];
      files: string[];
    }>(await good('report run faster --out both --json'));
    assert.deepEqual(
      runs.map(({ label }) => label),
      ['run', 'faster'],
    );
    assert.deepEqual(differences, [{ name: 'lr', values: ['0.01', '0.02'] }]);
    const page = await readFile(join(folder, files[0]), 'utf8');
    for (const { best } of runs) assert.ok(page.includes(best.valLoss.toFixed(4)));
  });
});

describe('summary', () => {
  interface Summary {
    parts: { name: string }[];
    total: { parameters: number; float32: number };
    stored?: Record<string, number>;
    step?: {
      seconds: number;
      what: string;
      kernels: { name: string; seconds: number }[];
      parts: { name: string; seconds: number }[];
    };
  }
  const summary = async (line: string): Promise<Summary> =>
    jsonLines<Summary>(await good(`summary ${line} --json`))[0];

  test('counts a preset, and fits 80 columns', async () => {
    assert.equal((await summary('--preset seed')).total.parameters, 3514836);
    const { stdout } = await good('summary --preset seed --n-layer 12 --n-embd 768 --n-head 12');
    assert.match(stdout, /^each of 0-11 /m);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    const [shipped] = jsonLines<Summary>(await good('summary --json')); // the bundled model
    assert.ok((shipped.stored?.BF16 ?? 0) > 0);
  });

  test('of a model says how it is stored', async () => {
    const { total, stored } = await summary('--model run');
    assert.deepEqual(stored, { F32: total.float32 });
    const small = await summary('--model int8');
    assert.deepEqual(small.total, total);
    assert.ok((small.stored?.I8 ?? 0) > 0);
  });

  test('measures a step: of a float model training, of an INT8 one the way forward', async () => {
    const { step } = await summary('--model run --measure');
    assert.match(step?.what ?? '', /^training step of \d x 16 tokens/);
    const sum = step?.kernels.reduce((n, { seconds }) => n + seconds, 0) ?? 0;
    assert.ok(Math.abs(sum / (step?.seconds ?? 0) - 1) < 1e-9);
    assert.ok(step?.kernels.some(({ name }) => name === 'adamw'));
    const byPart = step?.parts.reduce((n, { seconds }) => n + seconds, 0) ?? 0;
    assert.ok(Math.abs(byPart / sum - 1) < 1e-9);
    for (const part of ['attn.qkv', 'attn.mix', 'mlp.proj', 'head', 'optimizer'])
      assert.ok(
        step?.parts.some(({ name }) => name === part),
        part,
      );
    const tied = await summary(
      '--preset shakespeare --n-layer 1 --n-head 2 --n-embd 16 --block-size 8 --measure',
    );
    assert.ok(tied.step?.parts.some(({ name }) => name === 'head'));
    assert.match((await summary('--model int8 --measure')).step?.what ?? '', /^forward pass/);
  });
});

describe('demo', () => {
  test('leaves a run that the other commands take up without being told its text', async () => {
    const { stdout } = await good('demo --data text.txt --steps 6 --out demo');
    assert.match(stdout, /Before we begin.*ROMEO:/s); // the bundled model speaks first
    assert.match(stdout, /smaller/);
    assert.match(stdout, /Everything is in demo/);
    const [, advised] = stdout.match(/generate --model demo --prompt '?([^'\n]+)/) ?? [];
    assert.ok((await readFile(join(folder, 'text.txt'), 'utf8')).includes(advised), advised);
    assert.match(stdout, /generation \d+ -> \d+ tokens\/s(, \d.*x faster|: as fast|: slower; INT8 saves)/);
    assert.match((await good('eval --model demo/int8')).stdout, /bits\/byte/);
    assert.equal((await run('train --resume demo --steps 6')).code, 2);
    await good('train --resume demo --steps 7');
  });
});

describe('generate', () => {
  test('continues the prompt, the same for the same seed', async () => {
    const line = 'generate --model run --prompt the --tokens 12 --seed 5';
    const { stdout } = await good(line);
    assert.ok(stdout.startsWith('the'));
    assert.equal((await good(line)).stdout, stdout);
    assert.notEqual((await good(`${line}6`)).stdout, stdout);
  });

  test('--json: a start, tokens, a finish per sample, a summary', async () => {
    const events = jsonLines<{ type: string; sample?: number; tokensPerSecond?: number }>(
      await good('generate -m run/best -n 3 --samples 2 --logprobs 2 --json'),
    );
    const one = ['token', 'token', 'token', 'finish'];
    assert.deepEqual(
      events.map(({ type }) => type),
      ['start', ...one, ...one, 'summary'],
    );
    assert.ok((events.at(-1)?.tokensPerSecond ?? 0) > 0);
  });

  test('takes the bundled model when no other is named', async () => {
    const { stdout, stderr } = await good('generate --prompt ROMEO: --tokens 8');
    assert.ok(stdout.startsWith('ROMEO:') && stdout.length > 'ROMEO:'.length);
    assert.match(stderr, /the bundled Shakespeare model/);
  });

  test('says how much of a long prompt is not seen', async () => {
    const long = Array.from({ length: 40 }, (_, i) => i).join('-');
    const { stderr } = await good(`generate -m run -n 1 -p ${long}`);
    assert.match(stderr, /the context 16: the first \d+ are not seen/);
  });

  test('an INT8 model speaks too', async () => {
    const { stdout } = await good('generate --model int8 --tokens 5');
    assert.ok(stdout.length > 0);
  });
});

interface EvalResult {
  loss: number;
  bitsPerByte: number;
  perplexity: number;
  tokens: number;
  split: string;
}

describe('eval', () => {
  test('measures on the text that the run recorded, and agrees with the training', async () => {
    const [result] = jsonLines<EvalResult>(await good('eval --model run --json'));
    const history = JSON.parse(await readFile(join(folder, 'run/history.json'), 'utf8')) as {
      events: { type: string; valLoss?: number }[];
    };
    const losses = history.events.flatMap(({ valLoss }) => valLoss ?? []);
    assert.ok(Math.abs(result.loss - Math.min(...losses)) < 1e-5, `${result.loss} of ${losses}`);
    assert.ok(Math.abs(result.perplexity - Math.exp(result.loss)) < 1e-9);
  });

  test('train and val make up all of it', async () => {
    const tokens = async (split: string): Promise<number> =>
      jsonLines<EvalResult>(await good(`eval -m run --split ${split} --train-fraction 0.8 --json`))[0].tokens;
    const [train, val, all] = [await tokens('train'), await tokens('val'), await tokens('all')];
    assert.equal(train + val + 1, all); // the first token of each is not predicted
  });

  test('a run that was never evaluated has its last model, which every command takes', async () => {
    const never = SMALL.replace('--eval-every 10', '--eval-every 0');
    await good(`train --data text.txt --out unseen ${never} --steps 4`);
    assert.deepEqual((await readdir(join(folder, 'unseen'))).includes('best'), false);
    assert.match(await readFile(join(folder, 'unseen/report.md'), 'utf8'), /It has not been evaluated/);
    assert.ok((await readdir(join(folder, 'unseen'))).includes('look.json'));
    const loss = jsonLines(await good('eval -m unseen --json'));
    assert.ok(loss.length > 0);
    await good('generate -m unseen -n 2');
    await good('inspect -m unseen --text The');
    await good('inspect health -m unseen');
    await good('quantize -m unseen --out unseen/int8 --max-tokens 64 --speed-tokens 4');
    await good('report unseen');
    await good('report unseen run --out seldom');
    await good('train --resume unseen --steps 6');
    await rm(join(folder, 'unseen'), { recursive: true });
  });

  test('refuses a text that is not the recorded one any more', async () => {
    await writeFile(join(folder, 'moved.txt'), sentences(60));
    await good(`train --data moved.txt --out moved ${SMALL} --steps 1`);
    await writeFile(join(folder, 'moved.txt'), 'something else altogether');
    const { code, errors } = await run('eval --model moved');
    assert.equal(code, 2);
    assert.match(errors[0], /moved\.txt holds another text now/);
    await good('eval --model moved --data text.txt');
  });
});

describe('inspect', () => {
  test('writes every picture with its numbers', async () => {
    const { stdout } = await good('inspect --model run --batch-size 4 --out look');
    assert.match(stdout, /block 1/);
    const figures = ['attention', 'attention-heads', 'relu-activations', 'relu-gradients', 'token-loss'];
    assert.deepEqual(
      (await readdir(join(folder, 'look'))).sort(),
      figures.flatMap((name) => [`${name}.json`, `${name}.png`, `${name}.svg`]).sort(),
    );
    for (const name of figures) assert.ok((await stat(join(folder, `look/${name}.png`))).size > 1000);
    const attention = JSON.parse(await readFile(join(folder, 'look/attention.json'), 'utf8'));
    const { tokens, layers, heads, probabilities } = attention;
    assert.equal(probabilities.length, layers * heads * tokens.length ** 2);
    const lastRow: number[] = probabilities.slice(-tokens.length);
    assert.ok(Math.abs(lastRow.reduce((a, b) => a + b) - 1) < 1e-5);
  });

  test('every subcommand says what it found, as text, as JSON and in pictures', async () => {
    const looks: [line: string, says: RegExp, figures: string[]][] = [
      ['taps blocks.*.mlp.act logits --batch-size 2', /blocks\.1\.mlp\.act .*\n.*logits/s, ['taps']],
      ['attention', /induction/, ['attention', 'attention-heads']],
      ['lens', /block 1/, ['logit-lens']],
      ['embedding --token the', /Nearest/, ['token-neighbours']],
      ['edit blocks.0.attn.heads[1]=0 blocks.1.mlp.out@-1*=2', /mean loss .* -> /, ['loss-change']],
      ['ablate', /block 1 .*[+-]\d/, ['ablation']],
      ['tokens', /The 12 hardest/, ['token-loss']],
    ];
    const lines = looks.flatMap(([line], i) => [
      `inspect ${line} -m run --out sub${i}`.split(' '),
      `inspect ${line} -m int8 --json`.split(' '),
    ]);
    const results = await inkhornBatch(folder, lines);
    for (const [i, [line, says, figures]] of looks.entries()) {
      const [shown, json] = results.slice(2 * i, 2 * i + 2);
      assert.equal(shown.code, 0, shown.stderr);
      assert.match(shown.stdout, says);
      const files = figures.flatMap((name) => [`${name}.json`, `${name}.png`, `${name}.svg`]);
      if (line === 'tokens') files.push('token-loss.html');
      const written = await readdir(join(folder, `sub${i}`)).catch(() => []);
      assert.deepEqual(written.sort(), files.sort(), line);
      const [document, ...rest] = jsonLines(json);
      assert.ok(document && rest.length === 0, line);
    }
  });

  test('taps without a model lists the names', async () => {
    const { stdout } = await good('inspect taps');
    assert.match(stdout, /blocks\.N\.attn\.probs +\[B, H, T, T\]/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  });

  test('health reads the history of a run, or of the run that a checkpoint is of', async () => {
    const { stdout } = await good('inspect health --model run --out health');
    assert.match(stdout, /fired for none of the last 128 tokens/);
    assert.match(stdout, /blocks\.1\.mlp .*\n/);
    assert.ok((await readdir(join(folder, 'health'))).includes('health.png'));
    const [{ probes }] = jsonLines<{ probes: { groups: { updateRatio: number }[] }[] }>(
      await good('inspect health --model run/best --json'),
    );
    assert.equal(probes.length, 2);
    assert.ok(
      probes.every(
        ({ groups }) => groups.length === 9 && groups.every(({ updateRatio }) => updateRatio >= 0),
      ),
    );
  });

  test('--text: the loss of every token of it', async () => {
    const [result] = jsonLines<{ losses: { text: string; loss: number | null }[]; taps: unknown[] }>(
      await inkhorn(folder, ['inspect', '-m', 'run', '--text', 'a dog sold', '--json']),
    );
    assert.equal(result.losses.map(({ text }) => text).join(''), 'a dog sold');
    assert.equal(result.losses[0].loss, null);
    assert.ok(result.losses.slice(1).every(({ loss }) => loss !== null && loss > 0));
    assert.equal(result.taps.length, 2);
  });

  test('an INT8 model has activations but no gradients', async () => {
    const [{ taps }] = jsonLines<{ taps: { gradient: unknown }[] }>(
      await good('inspect --model int8 --batch-size 2 --json'),
    );
    assert.deepEqual(
      taps.map(({ gradient }) => gradient),
      [null, null],
    );
  });
});

interface Comparison {
  parameters: { ratio: number };
  validation: { tokens: number; before: { loss: number }; after: { loss: number }; top1: number };
  weights: { name: string }[];
  speed: unknown;
}

describe('quantize and compare', () => {
  test('quantize writes a model folder with the comparison', async () => {
    const files = await readdir(join(folder, 'int8'));
    assert.deepEqual(files.sort(), [
      'compare.json',
      'config.json',
      'layers.png',
      'layers.svg',
      'model.safetensors',
      'report.md',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const report = JSON.parse(await readFile(join(folder, 'int8/compare.json'), 'utf8')) as Comparison;
    assert.ok(report.parameters.ratio > 2.5, `${report.parameters.ratio}`);
    assert.match(await readFile(join(folder, 'int8/report.md'), 'utf8'), /Before and after/);
  });

  test('compare gives the same figures as JSON', async () => {
    const [result] = jsonLines<Comparison>(
      await good('compare run int8 --max-tokens 64 --speed-tokens 0 --json'),
    );
    const written = JSON.parse(await readFile(join(folder, 'int8/compare.json'), 'utf8')) as Comparison;
    assert.deepEqual(result.parameters, written.parameters);
    assert.deepEqual(result.validation, written.validation);
    assert.equal(result.speed, null);
  });

  test('--exclude keeps weights float', async () => {
    await good(
      'quantize -m run -o part --exclude head --exclude embeddings --speed-tokens 0 --max-tokens 32',
    );
    const { weights } = JSON.parse(await readFile(join(folder, 'part/compare.json'), 'utf8')) as Comparison;
    assert.ok(weights.length > 0 && weights.every(({ name }) => name.startsWith('blocks.')));
  });

  test('--bits 4 needs rows of a group, and says which', async () => {
    const { code, errors } = await run('quantize -m run -o four --bits 4 --group-size 32');
    assert.equal(code, 2);
    assert.match(
      errors[0],
      /--group-size 32 is larger than a row of tokens\.weight, .* \(16 columns\), .*: use --bits 8, which .*, or --exclude 'tokens\.weight' and/,
    );
  });

  test('a model in INT4 speaks, is measured, compared and looked into', async () => {
    const wide = SMALL.replace('--n-embd 16 --n-head 2', '--n-embd 36 --n-head 3');
    await good(`train --data text.txt --out wide ${wide} --steps 2`);
    await good('quantize -m wide -o four --bits 4 --group-size 32 --speed-tokens 0 --max-tokens 64');
    const entries = await readdir(join(folder, 'four'));
    assert.ok(['layers.svg', 'layers.png', 'report.md'].every((name) => entries.includes(name)));
    assert.match(
      await readFile(join(folder, 'four/report.md'), 'utf8'),
      /in groups of 32 by gptq[\s\S]*--bits 4 --group-size 32 --method gptq/,
    );
    const { stdout } = await good('compare wide four --max-tokens 64 --speed-tokens 0');
    assert.match(stdout, /float32 +INT4 in groups of 32 by gptq, activations int8/);
    await good('generate --model four --prompt the --tokens 4');
    await good('eval --model four --max-tokens 64');
    await good('inspect --model four --out look-four');
    const { code, errors } = await run('quantize -m four -o eight');
    assert.equal(code, 2);
    assert.match(errors[0], /tokens\.weight is INT4: only a float model/);
  });

  test('gptq asks for a text where none is known, rtn needs none', async () => {
    await good(
      'quantize -m wide -o bare --bits 4 --group-size 32 --method rtn --exclude head --speed-tokens 0',
    );
    await mkdir(join(folder, 'plain'));
    for (const file of ['config.json', 'model.safetensors', 'tokenizer.json'])
      await copyFile(join(folder, 'wide/best', file), join(folder, 'plain', file));
    const { code, errors } = await run('quantize -m plain -o none --bits 4 --group-size 32');
    assert.equal(code, 2);
    assert.match(errors[0], /gptq calibrates with it: give --data, or --method rtn/);
    await good('quantize -m plain -o none --bits 4 --group-size 32 --method rtn');
  });

  test('a model that knows no text is quantised without a comparison', async () => {
    await good('quantize -m run -o alone --data text.txt --speed-tokens 0 --max-tokens 32');
    await rm(join(folder, 'alone/compare.json'));
    const { code, errors } = await run('eval --model alone');
    assert.equal(code, 2);
    assert.match(errors[0], /--data is missing/);
  });
});

describe('tokenizer', () => {
  test('train, encode, decode: any bytes come back', async () => {
    await good('tokenizer train --data text.txt --out t/a.json --vocab-size 300 --pattern gpt2');
    const bytes = Uint8Array.from([0xff, 0x00, ...new TextEncoder().encode('the cat, é\n'), 0xc3]);
    const { stdout, stderr } = await good('tokenizer encode --as-bytes --tokenizer t/a.json', bytes);
    assert.match(stderr, /15 bytes, \d+ tokens, \d\.\d\d bytes per token/);
    await writeFile(join(folder, 'bytes'), bytes);
    const json = jsonLines<{ ids: number[]; bytes: number }>(
      await good('tokenizer encode -t t/a.json --as-bytes --file bytes --json'),
    );
    assert.deepEqual(json[0].ids, stdout.trim().split(' ').map(Number));
    const decoded = await good('tokenizer decode -t t/a.json', stdout);
    assert.deepEqual(Uint8Array.from(decoded.bytes), bytes);
  });

  test('of the bundled model where no other is named', async () => {
    const { stdout, stderr } = await good('tokenizer encode ROMEO:');
    assert.match(stderr, /model: the bundled Shakespeare model/);
    assert.equal((await good('tokenizer decode', stdout)).stdout, 'ROMEO:');
    assert.match((await good('tokenizer show')).stderr, /500 tokens/);
  });

  test('--verbose prints a line for every merge', async () => {
    const { stdout } = await good('tokenizer train -d text.txt -o b.json --vocab-size 260 --verbose');
    assert.equal(stdout.match(/^ +25[6-9] .* times$/gm)?.length, 4);
  });

  test('a .tiktoken file gives the same tokens', async () => {
    await good('tokenizer train -d text.txt -o c.tiktoken --vocab-size 290 --pattern gpt2');
    await good('tokenizer train -d text.txt -o c.json --vocab-size 290 --pattern gpt2');
    const ids = async (tokenizer: string): Promise<string> =>
      (await good(`tokenizer encode -t ${tokenizer} --file text.txt`)).stdout;
    assert.equal(await ids('c.tiktoken --pattern gpt2'), await ids('c.json'));
    assert.equal(await ids('c.tiktoken --pattern r50k_base'), await ids('c.json'));
    const special =
      'tokenizer encode -t c.tiktoken --pattern gpt2 --special <|x|>=500 --allow-special a<|x|>';
    assert.match((await good(special)).stdout, /^97 500\n$/);
    const without = await run('tokenizer encode -t c.tiktoken a');
    assert.equal(without.code, 2);
    assert.match(without.stderr, /does not hold its pattern.*give --pattern \(none, gpt2.*cl100k_base/);
    const surplus = await run('tokenizer encode -t c.json --pattern gpt2 a');
    assert.match(surplus.stderr, /--pattern and --special belong to .tiktoken files/);
  });

  test('special tokens are refused unless asked for', async () => {
    await good('tokenizer train -d text.txt -o s.json --vocab-size 270 --special <|end|>');
    const encode = 'tokenizer encode -t s.json a<|end|>';
    assert.equal((await run(encode)).code, 2);
    assert.match((await good(`${encode} --allow-special`)).stdout, /^97 269\n$/);
    assert.doesNotMatch((await good(`${encode} --special-as-text`)).stdout, /269/);
  });

  test('show lists every token of a model', async () => {
    const [shown] = jsonLines<{ tokens: { merge: unknown }[] }>(
      await good('tokenizer show --model run --json'),
    );
    assert.equal(shown.tokens.length, 280);
    assert.equal(shown.tokens.filter(({ merge }) => merge !== null).length, 24);
  });
});

describe('data and doctor', () => {
  test('data lists, and shows', async () => {
    const [corpora] = jsonLines<{ name: string; ready: boolean }[]>(await good('data --json'));
    assert.deepEqual(
      corpora.map(({ name }) => name),
      ['tiny-shakespeare', 'moby-dick', 'first-names'],
    );
    const [shown] = jsonLines<{ bytes: number; lines: number; first: string[] }>(
      await good('data show text.txt --lines 2 --json'),
    );
    const text = sentences(150);
    assert.equal(shown.bytes, text.length);
    assert.equal(shown.lines, 150);
    assert.deepEqual(shown.first, text.split('\n').slice(0, 2));
  });

  test('doctor names every engine, finds what draws pictures, and ends well', async () => {
    const [{ engines, pictures }] = jsonLines<{
      engines: { name: string; available: boolean; detail: string }[];
      pictures: { available: boolean; detail: string | null };
    }>(await good('doctor --json'));
    assert.deepEqual(pictures, { available: true, detail: null });
    assert.deepEqual(
      engines.map(({ name }) => name),
      ['native', 'webgpu', 'wasm', 'reference'],
    );
    assert.ok(engines[2].available, engines[2].detail);
    assert.ok(engines[3].available);
  });
});

describe('the program', () => {
  test('without arguments, and for a group alone: its help', async () => {
    for (const line of ['', 'tokenizer']) {
      const { code, stdout, stderr } = await inkhorn(folder, line === '' ? [] : [line]);
      assert.equal(code, 0);
      assert.match(stdout, /^Usage: inkhorn/);
      assert.equal(stderr, '');
    }
  });

  test('is an executable file, as `npx inkhorn` needs it', {
    skip: process.platform === 'win32',
  }, async () => {
    const { mode } = await stat(new URL('../../src/cli/main.js', import.meta.url));
    assert.equal(mode & 0o111, 0o111);
  });

  test('--version is that of the package', async () => {
    assert.match((await good('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });
});

describe('export', () => {
  test('writes a folder, a file, or the tokenizer alone', async () => {
    const plain = SMALL.replace('--preset tiny', '--preset shakespeare').replace(
      '--lr 0.01',
      '--lr 0.01 --warmup 0',
    );
    const portable = '--no-qk-norm --no-value-residual --skip none --head-size 8';
    await good(`train --data text.txt --out portable ${plain} ${portable} --steps 2`);
    const [facts] = jsonLines<{ files: string[]; notes: string[] }>(
      await good('export -m portable --to hf -o hf --dtype bfloat16 --json'),
    );
    assert.deepEqual(facts.files.sort(), (await readdir(join(folder, 'hf'))).sort());
    assert.match(facts.notes[0], /of class ArceeForCausalLM, in bfloat16/);
    await good('export -m portable --to safetensors -o portable/whole.safetensors');
    const { stderr } = await good('export -m run --to tokenizer -o run.tiktoken');
    assert.match(stderr, /pat_str="\(\?s:\.\+\)"/);
    const file = await readFile(join(folder, 'run.tiktoken'), 'utf8');
    assert.equal(file.split('\n').length, 280 + 1);
    await good('tokenizer encode -t run.tiktoken --pattern none words');
    await good('export -m portable --to hf -o hf --force');
    const [gguf] = jsonLines<{ notes: string[] }>(
      await good('export -m portable --to gguf -o portable.gguf --type F16 --json'),
    );
    assert.match(gguf.notes[0], /architecture arcee, its matrices F16/);
    assert.equal(String((await readFile(join(folder, 'portable.gguf'))).subarray(0, 4)), 'GGUF');
  });

  test('writes a folder for ONNX of any model, float or quantised', async () => {
    const tops = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'];
    for (const [model, flags, name] of [
      ['run', '', 'model'],
      ['run', ' --type int8 --force', 'model_quantized'],
      ['int8', ' --force', 'model_quantized'],
    ]) {
      const [{ files }] = jsonLines<{ files: string[] }>(
        await good(`export -m ${model} --to onnx -o onnx${flags} --json`),
      );
      assert.deepEqual(files, [`onnx/${name}.onnx`, ...tops]);
    }
    assert.deepEqual((await readdir(join(folder, 'onnx'))).sort(), [...tops, 'onnx'].sort());
    assert.deepEqual((await readdir(join(folder, 'onnx/onnx'))).sort(), [
      'model.onnx',
      'model_quantized.onnx',
    ]);
  });

  test('refuses a model with a weight that is not finite, in one line, and writes nothing', async () => {
    await cp(join(folder, 'run/best'), join(folder, 'broken'), { recursive: true });
    const weights = await readFile(join(folder, 'broken/model.safetensors'));
    weights.writeFloatLE(Number.NaN, weights.length - 4);
    await writeFile(join(folder, 'broken/model.safetensors'), weights);
    for (const line of ['--to onnx -o nothing', '--to safetensors -o nothing.safetensors']) {
      const { code, errors, stdout } = await run(`export -m broken ${line}`);
      assert.equal(code, 1, line);
      assert.equal(errors.length, 1);
      assert.match(
        errors[0],
        /broken\/model\.safetensors: tensor .* holds NaN at element \d+: the model is damaged/,
      );
      assert.equal(stdout, '');
    }
    const left = (await readdir(folder)).filter((name) => name.startsWith('nothing'));
    assert.deepEqual(left, []);
  });
});
