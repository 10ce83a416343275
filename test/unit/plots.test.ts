import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { formatTick } from '../../src/base/format.ts';
import { ablationFigure } from '../../src/figures/ablation.ts';
import { activationsFigure, gradientsFigure } from '../../src/figures/activations.ts';
import { attentionFigure } from '../../src/figures/attention.ts';
import type { Figure } from '../../src/figures/figure.ts';
import { headsFigure } from '../../src/figures/heads.ts';
import { healthFigure } from '../../src/figures/health.ts';
import { layerErrorFigure } from '../../src/figures/layer-errors.ts';
import { lensFigure } from '../../src/figures/lens.ts';
import { lossFigure } from '../../src/figures/loss.ts';
import { lossChangeFigure } from '../../src/figures/loss-change.ts';
import { neighboursFigure } from '../../src/figures/neighbours.ts';
import { overTimeFigure } from '../../src/figures/over-time.ts';
import { powerOfTen } from '../../src/figures/plot.ts';
import { similarityFigure } from '../../src/figures/positions.ts';
import { escapeXml, picture, text } from '../../src/figures/svg.ts';
import { tokenLossFigure } from '../../src/figures/token-loss.ts';
import type { HeadSummary } from '../../src/inspect/attention.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { loadPictures } from '../../src/png/charts.ts';
import { missingGlyphsNote } from '../../src/png/missing-glyphs.ts';
import { writeFigures } from '../../src/report/write.ts';
import type { ProbeEvent, TrainEvent } from '../../src/train/events.ts';
import { bell, probeEvent, runEvents } from './events.ts';

const charts = await loadPictures();
const { toPng } = charts;

/** Requirements on every figure: well-formed, and without an invalid number. */
function check(figure: Figure | null): string {
  assert.ok(figure);
  assert.doesNotMatch(figure.svg, /NaN|undefined|Infinity|null/);
  assert.ok(toPng(figure.svg, 0.5).length > 200);
  JSON.stringify(figure.data);
  return figure.svg;
}

/** The texts of an SVG, in order. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
}

const probes = (steps: readonly number[]): ProbeEvent[] => steps.map((step) => probeEvent(step));

describe('every picture', () => {
  test('turns dark for those who prefer it, by a rule that no page around it takes up', () => {
    const svg = picture({ title: 'a', subtitle: 'b', width: 100, height: 100, body: [] });
    const [rule] = svg.match(/<style>.*<\/style>/) ?? [''];
    assert.match(rule, /prefers-color-scheme:dark\)\{svg\.picture\{/);
    assert.match(svg, /^<svg[^>]* class="picture"/);
    assert.deepEqual(toPng(svg), toPng(svg.replace(rule, '')));
  });
});

describe('neighbours figure', () => {
  test('has a row for each token, cut where a page ends', () => {
    const nearest = Array.from({ length: 20 }, (_, id) => ({ id, text: `n${id}`, cosine: 1 - id / 20 }));
    const figure = neighboursFigure([{ id: 300, text: ' he', nearest }], { charts });
    const words = texts(check(figure));
    assert.ok(words.includes('␣he') && words.includes('n11') && !words.includes('n12'));
  });
});

describe('layer error figure', () => {
  test('has a row for each layer and a dot for each way', () => {
    const layers = ['a.weight', 'b.weight'].map((name, i) => ({
      name,
      sqnrDb: { INT8: 50 - i, 'INT4 rtn': 20 },
    }));
    const figure = layerErrorFigure([...layers, { name: 'c.weight', sqnrDb: { INT8: null } }], { charts });
    const words = texts(check(figure));
    for (const word of ['a', 'b', 'c', 'INT8', 'INT4 rtn', 'signal to noise (dB)'])
      assert.ok(words.includes(word), word);
    assert.equal(layerErrorFigure([], { charts }), null);
  });
});

describe('loss figure', () => {
  test('names both curves, the batches, the best and the units', () => {
    const figure = lossFigure(runEvents(100), { charts });
    const words = texts(check(figure));
    assert.equal(figure?.name, 'loss');
    for (const word of [
      'train',
      'validation',
      'training batches',
      'loss (nats per token)',
      'optimizer step',
    ]) {
      assert.ok(words.includes(word), `${word} is missing from ${words.join(' | ')}`);
    }
    assert.ok(words.some((word) => word.startsWith('best validation 2.9428 at step 90 (2.185 bits/byte)')));
    assert.ok(words.includes('2.955') && words.includes('2.098'), 'last losses');
  });

  test('keeps every batch in the numbers, and says when it draws means', () => {
    const figure = lossFigure(runEvents(2000), { charts });
    assert.ok(texts(check(figure)).includes('training batches, mean of 3'));
    assert.ok(figure);
    assert.equal((figure.data as { batches: unknown[] }).batches.length, 2000);
  });

  test('draws what there is: batches only, one evaluation, losses that are not finite left out', () => {
    const events = runEvents(10);
    check(
      lossFigure(
        events.filter((event) => event.type === 'step'),
        { charts },
      ),
    );
    check(lossFigure(events.slice(0, 1), { charts }));
    const broken: TrainEvent = {
      type: 'step',
      step: 11,
      loss: Number.NaN,
      lr: 1,
      gradNorm: 1,
      tokensPerSecond: 1,
      eta: 0,
    };
    check(lossFigure([...events, broken], { charts }));
    assert.equal(lossFigure([broken], { charts }), null);
  });
});

describe('histogram figures', () => {
  test('show mean, std, share <= 0 and dead units of every block beside the activations', () => {
    const figure = activationsFigure(probes([50, 100]), { charts });
    const words = texts(check(figure));
    assert.equal(figure?.name, 'relu-activations');
    for (const word of ['ReLU activations', 'block 0', 'block 4', 'mean', 'std', 'share ≤ 0', 'dead units']) {
      assert.ok(words.includes(word), `${word} is missing from ${words.join(' | ')}`);
    }
    for (const word of [
      '58.9 %',
      '65.9 %',
      '0.100',
      '0.300',
      '3 of 928',
      'density (log scale)',
      'share ≤ 0 (%)',
    ]) {
      assert.ok(words.includes(word), `${word} is missing from ${words.join(' | ')}`);
    }
  });

  test('leave the mass at 0 out of the curves', () => {
    const figure = activationsFigure(probes([100]), { charts }) as Figure;
    const path = figure.svg.match(
      /aria-label="line"[^>]*>.*?<path[^>]* d="M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)/s,
    );
    assert.ok(path);
    const [firstY, secondY] = [Number(path[2]), Number(path[4])];
    const curveTop = Math.abs(firstY - secondY);
    assert.ok(curveTop < 60, `the first bin stands out by ${curveTop} px`);
  });

  test('write gradients in a power of ten', () => {
    const figure = gradientsFigure(probes([50, 100]), { charts });
    const words = texts(check(figure));
    assert.equal(figure?.name, 'relu-gradients');
    for (const word of ['mean (× 10⁻⁶)', 'std (× 10⁻⁶)', '2.00', 'dLoss / d(ReLU output) (× 10⁻⁶)']) {
      assert.ok(words.includes(word), `${word} is missing from ${words.join(' | ')}`);
    }
  });

  test('carry the name of another activation', () => {
    const probe = probeEvent(1);
    for (const tap of probe.taps) tap.value = bell(0.1, 0.3, -0.17);
    const figure = activationsFigure([probe], { activation: 'gelu', charts });
    assert.equal(figure?.name, 'gelu-activations');
    assert.ok(texts(check(figure)).includes('GELU output'));
  });

  test('are left out without histograms', () => {
    const probe = probeEvent(1);
    for (const tap of probe.taps) {
      tap.value.histogram.counts = [];
      tap.gradient = null;
    }
    assert.equal(activationsFigure([probe], { charts }), null);
    assert.equal(gradientsFigure([probe], { charts }), null);
    assert.equal(activationsFigure([], { charts }), null);
  });

  test('draw a block that never fires, and constant values', () => {
    const probe = probeEvent(1, 2);
    probe.taps[0].zeroFraction = 1;
    probe.taps[0].value = {
      count: 4,
      mean: 0,
      std: 0,
      min: 0,
      max: 0,
      histogram: { lo: 0, hi: 1e-12, counts: [4, 0] },
    };
    check(activationsFigure([probe], { charts }));
    probe.taps.pop();
    check(activationsFigure([probe], { charts }));
  });
});

describe('attention figure', () => {
  const maps = (T: number): Parameters<typeof attentionFigure>[0] => {
    const probabilities = new Float32Array(2 * 3 * T * T);
    for (let row = 0; row < 2 * 3 * T; row++)
      probabilities.fill(1 / ((row % T) + 1), row * T, row * T + (row % T) + 1);
    return {
      tokens: Array.from({ length: T }, (_, i) => (i === 1 ? '<&\n' : `t ${i}`)),
      layers: 2,
      heads: 3,
      probabilities,
    };
  };

  test('has a map per head, and tokens as labels', () => {
    const svg = check(attentionFigure(maps(5), { charts }));
    const words = texts(svg);
    for (const word of ['block 0', 'block 1', 'head 2', 't␣4', '&lt;&amp;\\n'])
      assert.ok(words.includes(word), word);
    assert.equal(svg.match(/shape-rendering="crispEdges"/g)?.length, 6);
  });

  test('draws every allowed cell and none above the diagonal', () => {
    const svg = attentionFigure(maps(4), { charts }).svg;
    const map = svg.match(/crispEdges">(.*?)<\/g>/s)?.[1] ?? '';
    let cells = 0;
    for (const [, s, t, run] of map.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
      cells += Number(run);
      assert.ok(Number(s) + Number(run) - 1 <= Number(t));
    }
    assert.equal(cells, 10);
  });

  test('refuses what it cannot draw', () => {
    assert.throws(() => attentionFigure({ ...maps(4), layers: 3 }, { charts }), /do not fit/);
    assert.throws(() => attentionFigure({ ...maps(4), tokens: [] }, { charts }), /attention of 0 tokens/);
  });
});

describe('token loss figure', () => {
  test('sets the text and draws one bar per predicted token', () => {
    const tokens = ['First', ' Citizen', ':', '\n'].map((token, i) => ({
      text: token,
      loss: i === 0 ? null : i,
    }));
    const figure = tokenLossFigure(tokens);
    const words = texts(check(figure).replaceAll('null', ''));
    for (const word of ['First', '␣Citizen', '\\n']) assert.ok(words.includes(word), word);
    assert.equal(figure.svg.match(/ rx="1"/g)?.length, 3);
    assert.equal((figure.data as { mean: number }).mean, 2);
  });

  test('refuses a text without losses', () => {
    assert.throws(() => tokenLossFigure([{ text: 'a', loss: null }]), /at least two tokens/);
  });
});

describe('files', () => {
  test('come as PNG, SVG and JSON', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inkhorn-plots-'));
    try {
      const figure = lossFigure(runEvents(10), { charts }) as Figure;
      const names = await writeFigures(folderStore(join(folder, 'new')), [figure], charts);
      const paths = names.map((name) => join(folder, 'new', name));
      assert.deepEqual(
        paths.map((path) => path.split('.').at(-1)),
        ['png', 'svg', 'json'],
      );
      const png = await readFile(paths[0]);
      assert.deepEqual([...png.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);
      assert.match(await readFile(paths[1], 'utf8'), /^<svg xmlns=/);
      const data = JSON.parse(await readFile(paths[2], 'utf8'));
      assert.equal(data.best.valLoss, 2.9428);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('have their text rendered: without a font it would vanish silently', () => {
    const page = (body: string[]): Uint8Array =>
      toPng(picture({ title: '', subtitle: '', width: 400, height: 60, body }));
    const blank = page([]);
    assert.ok(page([text(10, 30, 'sparsity ≤ 0 · ↵ ×10⁻⁶')]).length > 2 * blank.length, 'sans');
    assert.ok(page([text(10, 30, 'ROMEO:', { mono: true })]).length > 1.5 * blank.length, 'mono');
    assert.notDeepEqual(
      page([text(10, 30, 'ink', { bold: true })]),
      page([text(10, 30, 'ink')]),
      'bold is another face',
    );
  });

  test('hold any text', () => {
    assert.equal(escapeXml('<a & "b">\u0000\ud800'), '&lt;a &amp; &quot;b&quot;&gt;\ufffd\ufffd');
    check({
      name: 'x',
      title: 'x',
      data: {},
      svg: picture({ title: '\u0007<', subtitle: '&', width: 300, height: 60, body: [] }),
    });
  });
});

describe('what is inside', () => {
  const heads: HeadSummary[] = Array.from({ length: 6 }, (_, i) => ({
    layer: Math.floor(i / 3),
    head: i % 3,
    entropy: i / 6,
    distance: 2 * i,
    previous: 0.1,
    self: 0.2,
    first: 0.3,
    induction: null,
  }));

  test('health over training: four panels, a colour per block; two where a run recorded no groups', () => {
    const groups = (step: number) =>
      ['embedding', 'blocks.0.attn', 'blocks.0.mlp', 'norm', 'head'].map((name) => ({
        name,
        parameters: 8,
        weightNorm: 3,
        gradNorm: 1 / step,
        updateRatio: step === 100 ? 0 : 1e-3,
      }));
    const all = probes([20, 40, 100]);
    const words = texts(
      check(
        healthFigure(
          all.map((probe) => ({ ...probe, groups: groups(probe.step) })),
          { charts },
        ),
      ),
    );
    for (const word of ['gradient norm', 'block 0', 'attention', 'MLP', 'embedding', 'head'])
      assert.ok(words.includes(word), `${word} is missing from ${words.join(' | ')}`);
    assert.ok(words.some((word) => word.startsWith('dead units (%): fired for none of')));
    assert.ok(!texts(check(healthFigure(all, { charts }))).includes('gradient norm'));
    assert.equal(healthFigure(all.slice(0, 1), { charts }), null);
  });

  test('activations and gradients over time: a curve per probe, at most sixteen', () => {
    for (const kind of ['activations', 'gradients'] as const) {
      const figure = overTimeFigure(probes(Array.from({ length: 40 }, (_, i) => 10 * (i + 1))), kind, {
        charts,
      });
      const words = texts(check(figure));
      assert.equal(figure?.name, `relu-${kind}-over-time`);
      for (const word of ['10', '400', 'block 0']) assert.ok(words.includes(word), word);
      assert.equal(JSON.parse(JSON.stringify(figure?.data)).length, 40);
    }
    assert.equal(overTimeFigure(probes([10]), 'gradients', { charts }), null);
  });

  test('heads: a table for each number there is', () => {
    const words = texts(check(headsFigure(heads, { charts })));
    assert.ok(words.includes('distance') && !words.includes('induction'));
    const shown = texts(
      check(
        headsFigure(
          heads.map((head) => ({ ...head, induction: 0.42 })),
          { charts },
        ),
      ),
    );
    assert.equal(shown.filter((word) => word === '0.42').length, 6);
  });

  test('ablation: signs, and no minus zero', () => {
    const parts = { attention: [0.5, 0], mlp: [0.2, 0.3] };
    const words = texts(
      check(
        ablationFigure(
          {
            loss: 3,
            heads: [
              [0.12, -0.001],
              [-0.2, 0],
            ],
            ...parts,
          },
          { charts },
        ),
      ),
    );
    for (const word of ['0.12', '0.00', '−0.20', '0.50']) assert.ok(words.includes(word), word);
    assert.ok(!words.includes('−0.00'));
  });

  test('lens: the last layer on top, the text below, strips of sixteen tokens', () => {
    const tokens = Array.from({ length: 20 }, (_, id) => ({ id, text: `t${id}` }));
    const cell = (text: string) => ({
      top: [{ id: 1, text, probability: 0.5 }],
      entropy: 1,
      kl: 0,
      actual: null,
    });
    const rows = ['embed', 'blocks.0.out'].map((name) => ({ name, cells: tokens.map(() => cell('x')) }));
    const words = texts(check(lensFigure({ tokens, rows }, { charts })));
    assert.ok(words.indexOf('block 0') < words.indexOf('embed') && words.includes('t19'));
    assert.throws(
      () => lensFigure({ tokens: new Array(200).fill(tokens[0]), rows }, { charts }),
      /lens of 200 tokens/,
    );
  });

  test('change of the loss: up where it is harder, down where it is easier', () => {
    const tokens = [null, 1.5, -0.5].map((change, i) => ({ text: 'abc'[i], change }));
    const figure = lossChangeFigure({ edits: 'embed=0', tokens });
    const words = texts(check(figure));
    assert.ok(
      words.some((word) => word.startsWith('embed=0: change of each')),
      words.join(' | '),
    );
    assert.ok(words.includes('2') && words.includes('−2'));
    const { mean } = JSON.parse(JSON.stringify(figure.data));
    assert.ok(
      words.some((word) => word.includes(`mean ${mean.toFixed(3).replace('-', '−')} nats`)),
      `${mean}`,
    );
    assert.throws(
      () => lossChangeFigure({ edits: 'embed=0', tokens: tokens.slice(0, 1) }),
      /at least two tokens/,
    );
  });

  test('positions: a map with its axis', () => {
    const words = texts(
      check(
        similarityFigure({ positions: 3, cosines: Float32Array.of(1, 0, -1, 0, 1, 0, -1, 0, 1) }, { charts }),
      ),
    );
    assert.ok(words.includes('cosine') && words.includes('2'));
  });
});

describe('letters beyond our fonts', () => {
  const tokens = (texts: readonly string[]): { text: string; loss: number | null }[] =>
    texts.map((text, i) => ({ text, loss: i === 0 ? null : i }));

  test('are noted when no font draws them, once', (t) => {
    missingGlyphsNote(); // clears the note of earlier pictures
    toPng(tokenLossFigure(tokens(['plain', ' text', ' żółw', ' Ωδή', ' мир'])).svg);
    assert.equal(missingGlyphsNote(), null);
    toPng(tokenLossFigure(tokens(['a', '𓀀𖼀', '𒀀'])).svg);
    const note = missingGlyphsNote();
    if (note === null) return t.skip('this machine has fonts for hieroglyphs, Miao and cuneiform');
    assert.match(
      note,
      /no font of this machine draws [𓀀𖼀𒀀 ]+: boxes stand for them in the PNGs .*install one/u,
    );
    assert.equal(missingGlyphsNote(), null);
  });

  test('are drawn by a font of the machine that has them', (t) => {
    missingGlyphsNote();
    const picture = (letters: string): string => tokenLossFigure(tokens(['a', letters, 'b'])).svg;
    const cat = toPng(picture('猫'), 1);
    if (missingGlyphsNote() !== null) return t.skip('this machine has no font for Chinese and Japanese');
    assert.notDeepEqual(cat, toPng(picture('犬'), 1));
    assert.deepEqual(cat, toPng(picture('猫'), 1));
    assert.equal(missingGlyphsNote(), null);
  });

  test('a text from the right has its bars from the right, each above its token', () => {
    const { svg } = tokenLossFigure(tokens(['שלום', ' עולם', ' טוב']));
    const labels = [...svg.matchAll(/<text x="([\d.]+)"[^>]*text-anchor="middle"[^>]*>\u2067([^<]*)\u2069/g)];
    const xs = labels.map(([, x]) => Number(x));
    assert.equal(xs.length, 3);
    assert.ok(xs[0] > xs[1] && xs[1] > xs[2], String(xs));
    const bars = [
      ...svg.matchAll(
        /<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="[\d.]+" fill="#(?:56b4e9|d55e00)"/g,
      ),
    ];
    assert.deepEqual(
      bars.map(([, x, width]) => Math.round(Number(x) + Number(width) / 2)),
      xs.slice(1).map(Math.round),
    );
  });

  test('wide letters have bars as wide as they are', () => {
    const { svg } = tokenLossFigure(tokens(['a', '猫', 'b']));
    const widths = [
      ...svg.matchAll(
        /<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="[\d.]+" fill="#(?:56b4e9|d55e00)"/g,
      ),
    ].map(([, w]) => Number(w));
    assert.ok(widths[0] > 1.9 * widths[1], String(widths));
  });
});

test('ticks of a logarithmic axis are the values they stand at', () => {
  assert.deepEqual([0.002, 0.001, 0.1, 1, 10, 100, 20, 200, 1000, 1e-5, 3e-4].map(powerOfTen), [
    '0.002',
    '10⁻³',
    '0.1',
    '1',
    '10',
    '100',
    '20',
    '200',
    '10³',
    '10⁻⁵',
    '3e−4',
  ]);
  assert.equal(formatTick(0.00030000000000000003), '3e-4');
});
