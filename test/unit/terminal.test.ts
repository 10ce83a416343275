import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import { createOutput, type Output } from '../../src/cli/output.ts';
import { terminalStyle } from '../../src/cli/terminal.ts';
import { chartStart, lossChart } from '../../src/cli/view/chart.ts';
import { createScene, frame, type Scene } from '../../src/cli/view/live.ts';
import { createTrainView } from '../../src/cli/view/train-view.ts';
import { cutText, fitLine, textWidth, viewText, wrapText } from '../../src/cli/view/width.ts';
import { probeEvent, runEvents } from './events.ts';

class Screen extends Writable {
  text = '';
  isTTY: boolean;
  columns: number;
  rows: number;
  constructor(isTTY: boolean, columns = 80, rows = 30) {
    super();
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const ESCAPE = '\u001b';

describe('train view', () => {
  test('writes plain lines without escapes to a pipe', () => {
    const out = new Screen(false);
    const view = createTrainView(out, { totalSteps: 100, color: false, tty: false });
    for (const event of runEvents(100)) view.event(event);
    view.end();
    assert.ok(!out.text.includes(ESCAPE));
    const lines = out.text.split('\n');
    assert.equal(lines.filter((line) => line.startsWith('step ')).length, 100);
    assert.match(
      out.text,
      /step {3}1\/100 {2}loss 3\.546 {2}1m39s left {2}12\.3k tok\/s {2}lr 3\.00e-4 {2}\|grad\| 0\.600/,
    );
    assert.match(out.text, /eval {2}step {2}90 {2}val 2\.9428 {2}train 2\.1560 {2}2\.185 bits\/byte {2}best/);
    assert.match(out.text, /MLP outputs <= 0: 59 61 62 63 66 %, dead units: 3 of 4,640/);
    assert.match(out.text, /sample {2}step 100\n {2}\| ROMEO:\n {2}\| Sample of step 100/);
    assert.match(out.text, /warning {2}step 100, loss-spike: loss 4\.913/);
    assert.match(out.text, /done {2}100 steps in 30m34s\n$/);
    for (const line of lines) assert.ok(line.length <= 80, line);
  });

  test('passes over most steps of a long run', () => {
    const out = new Screen(false);
    const view = createTrainView(out, { totalSteps: 5000, color: false, tty: false });
    for (const event of runEvents(5000)) view.event(event);
    const steps = out.text.split('\n').filter((line) => line.startsWith('step '));
    assert.equal(steps.length, 101);
    assert.match(steps[100], /^step 5,000\/5,000 /);
  });

  for (const columns of [80, 40, 20]) {
    test(`stays within ${columns} columns on a terminal, and leaves it as it was`, () => {
      const out = new Screen(true, columns);
      const view = createTrainView(out, { totalSteps: 100, color: true, tty: true });
      for (const event of runEvents(100)) view.event(event);
      view.end();
      for (const line of stripVTControlCharacters(out.text).split(/[\n\r]/)) {
        assert.ok(textWidth(line) <= columns, `${textWidth(line)} columns: ${line}`);
      }
      assert.ok(
        out.text.lastIndexOf(`${ESCAPE}[?25h`) > out.text.lastIndexOf(`${ESCAPE}[?25l`),
        'cursor shown again',
      );
      assert.ok(
        out.text.lastIndexOf(`${ESCAPE}[?7h`) > out.text.lastIndexOf(`${ESCAPE}[?7l`),
        'wrapping on again',
      );
      assert.match(stripVTControlCharacters(out.text), /100\/100/);
      assert.ok(out.text.endsWith('\n'));
    });
  }

  test('draws anew on a clean screen when the window changes', () => {
    const out = new Screen(true, 80, 30);
    const view = createTrainView(out, { totalSteps: 100, color: false, tty: true });
    view.event({ ...runEvents(100)[1] });
    const before = out.text.length;
    out.columns = 30;
    out.emit('resize');
    const drawn = out.text.slice(before);
    view.end();
    assert.ok(drawn.startsWith(`${ESCAPE}[2J${ESCAPE}[H`));
    assert.match(stripVTControlCharacters(drawn), /1\/100/);
    for (const line of stripVTControlCharacters(drawn).split(/[\n\r]/))
      assert.ok(textWidth(line) <= 30, line);
    assert.equal(out.listenerCount('resize'), 0);
  });

  test('shows an evaluation under way until it is done, and leaves it to others where lines are written', () => {
    const evaluation = { what: 'evaluation', step: 0, done: 45, total: 100 } as const;
    const out = new Screen(true);
    const view = createTrainView(out, { totalSteps: 10, color: false, tty: true });
    assert.equal(view.progress(evaluation), true);
    view.end();
    assert.match(out.text, /0\/10 {2}evaluation 45 %/);
    const after = new Screen(true);
    const other = createTrainView(after, { totalSteps: 10, color: false, tty: true });
    other.progress(evaluation);
    for (const event of runEvents(10)) other.event(event);
    assert.doesNotMatch(after.text, /evaluation 45 %/);
    const lines = new Screen(false);
    assert.equal(
      createTrainView(lines, { totalSteps: 10, color: false, tty: false }).progress(evaluation),
      false,
    );
    assert.equal(lines.text, '');
  });

  test('ends once, whether by the done event, by a call or by both', () => {
    const out = new Screen(true);
    const listeners = process.listenerCount('exit');
    const view = createTrainView(out, { totalSteps: 10, color: false, tty: true });
    view.end();
    const { length } = out.text;
    view.end();
    for (const event of runEvents(10)) view.event(event);
    assert.equal(out.text.length, length);
    assert.equal(process.listenerCount('exit'), listeners);
  });

  test('has no colours under NO_COLOR, and no drawing in place on a pipe or a dumb terminal', () => {
    assert.deepEqual(terminalStyle({ isTTY: true }, {}), { tty: true, color: true });
    assert.deepEqual(terminalStyle({ isTTY: true }, { NO_COLOR: '1' }), { tty: true, color: false });
    assert.deepEqual(terminalStyle({ isTTY: true }, { TERM: 'dumb' }), { tty: false, color: false });
    assert.deepEqual(terminalStyle({}, {}), { tty: false, color: false });
  });

  test('draws nothing on a terminal of no columns', () => {
    assert.deepEqual(terminalStyle({ isTTY: true, columns: 0 }, {}), { tty: false, color: false });
    assert.deepEqual(terminalStyle({ isTTY: true, columns: 1 }, {}), { tty: true, color: true });
    const out = new Screen(true, 0);
    const view = createTrainView(out, { totalSteps: 100, ...terminalStyle(out, {}) });
    for (const event of runEvents(100)) view.event(event);
    assert.ok(!out.text.includes(ESCAPE));
    assert.match(out.text, /^step {3}1\/100/m);
    assert.equal(out.listenerCount('resize'), 0);
  });

  test('goes on as lines when the width is gone, and draws when it is there', () => {
    const [first, ...rest] = runEvents(100);
    const out = new Screen(true, 80);
    const view = createTrainView(out, { totalSteps: 100, ...terminalStyle(out, { NO_COLOR: '1' }) });
    view.event(first);
    const resize = (columns: number): string => {
      const before = out.text.length;
      out.columns = columns;
      out.emit('resize');
      return out.text.slice(before);
    };
    resize(0);
    const before = out.text.length;
    for (const event of rest.slice(0, 50)) view.event(event);
    assert.ok(!out.text.slice(before).includes(ESCAPE), 'lines without escapes');
    assert.match(out.text.slice(before), /^step/m);
    resize(60);
    for (const event of rest.slice(50)) view.event(event);
    view.end();
    assert.ok(out.text.slice(before).includes(`${ESCAPE}[?25l`), 'drawn again');
    assert.ok(out.text.lastIndexOf(`${ESCAPE}[?25h`) > out.text.lastIndexOf(`${ESCAPE}[?25l`));
    assert.equal(out.listenerCount('resize'), 0);
  });
});

describe('frame', () => {
  const events = runEvents(100);
  const scene: Scene = {
    totalSteps: 100,
    done: 100,
    step: events.findLast((event) => event.type === 'step') ?? null,
    milestone: null,
    probe: probeEvent(100, 24),
    sample: { type: 'sample', step: 100, prompt: '', text: `\u001b[2J${'長い行'.repeat(40)}\nsecond` },
    batches: events.flatMap((e) => (e.type === 'step' ? [{ step: e.step, loss: e.loss }] : [])),
    validation: events.flatMap((e) => (e.type === 'eval' ? [{ step: e.step, loss: e.valLoss }] : [])),
  };
  const bar = (columns: number): string => '#'.repeat(columns);

  test('fits any window', () => {
    for (const columns of [12, 25, 39, 80, 200]) {
      for (const rows of [6, 10, 16, 24, 60]) {
        const lines = frame(scene, { columns, rows }, pc.createColors(true), bar);
        assert.ok(lines.length <= Math.max(3, rows - 6), `${lines.length} lines in ${rows} rows`);
        for (const line of lines) assert.ok(textWidth(line) <= columns, `${columns}: ${line}`);
      }
    }
  });

  test('shows chart, sample, health and progress where there is room, and no escapes of the sample', () => {
    const text = frame(scene, { columns: 80, rows: 40 }, pc.createColors(false), bar).join('\n');
    assert.match(text, /┤/);
    assert.match(text, /sample at step 100/);
    assert.match(text, /dead units: 3 of 22,272/);
    assert.match(text, /#{10,} {2}100\/100 {2}loss 2\.098/);
    assert.ok(!text.includes(ESCAPE));
  });

  test('says first how far an evaluation or a sample is', () => {
    const milestone = { what: 'evaluation', step: 100, done: 459, total: 1000 } as const;
    const text = frame({ ...scene, milestone }, { columns: 80, rows: 40 }, pc.createColors(false), bar).join(
      '\n',
    );
    assert.match(text, /#{10,} {2}100\/100 {2}evaluation 45 % {2}loss 2\.098/);
  });

  test('draws before the first event', () => {
    const lines = (done?: number): string =>
      frame(createScene(100, done), { columns: 80, rows: 24 }, pc.createColors(false), bar).join('\n');
    assert.match(lines(), /#+ {2}0\/100/);
    assert.match(lines(100), /#+ {2}100\/100/); // resumed for the work after the last step
  });
});

describe('chart', () => {
  test('falls from the first loss to the last', () => {
    const points = [
      { step: 1, loss: 6 },
      { step: 50, loss: 3 },
      { step: 100, loss: 2 },
    ];
    const lines = lossChart(points, [], 60, 8, false);
    assert.ok(lines.length >= 7 && lines.length <= 10, `${lines.length} lines`);
    assert.match(lines[0], /^ {2}6\.00┼/);
    assert.match(lines.at(-1) ?? '', /^ {2}2\.00┤ .*╰─+ *$/);
  });

  test('leaves out the fall of the first steps once there are many', () => {
    const points = Array.from({ length: 100 }, (_, i) => ({ step: i + 1, loss: i < 9 ? 6 : 3 - i / 100 }));
    const lines = lossChart(points, [], 60, 8, false);
    assert.match(lines[0], /^ {2}2\.91/);
    assert.equal(chartStart(points), 10);
    assert.equal(chartStart(points.slice(0, 50)), 0);
  });

  test('survives losses that are not finite, and waits for two points', () => {
    assert.deepEqual(lossChart([{ step: 1, loss: 6 }], [], 60, 8, true), []);
    const points = [1, Number.NaN, 2, Number.POSITIVE_INFINITY].map((loss, step) => ({ step, loss }));
    assert.ok(lossChart(points, points, 60, 8, true).length > 0);
  });
});

describe('width', () => {
  test('counts columns, not code units', () => {
    assert.equal(textWidth(`${ESCAPE}[31mink${ESCAPE}[0m`), 3);
    assert.equal(textWidth('長e\u0301😀'), 5);
  });

  test('cuts lines and keeps the end of colours', () => {
    assert.equal(fitLine('inkhorn', 7), 'inkhorn');
    assert.equal(fitLine('inkhorn', 5), 'inkh…');
    assert.equal(fitLine(`${ESCAPE}[31minkhorn${ESCAPE}[39m`, 5), `${ESCAPE}[31minkh${ESCAPE}[39m…`);
    assert.equal(textWidth(fitLine('長長長', 4)) <= 4, true);
  });

  test('wraps words, and cuts those that are too long', () => {
    assert.deepEqual(wrapText('a loss spike of inkhornisms', 8), ['a loss', 'spike of', 'inkhorni', 'sms']);
    assert.deepEqual(cutText('長長a', 4), ['長長', 'a']);
  });

  test('makes text safe to print', () => {
    assert.equal(viewText('a\u001b[2J\nb\u0007\u202e\t'), 'a\\x1b[2J\nb\\x07\\u202e  ');
  });
});

describe('output', () => {
  const hostile = 'a\u001b]0;title\u0007\u001b[31mred\u009b2J\b\r\u202etxt\u007f';
  const shown = 'a\\x1b]0;title\\x07\\x1b[31mred\\x9b2J\\x08\\x0d\\u202etxt\\x7f';
  const outputs = (tty: boolean, json = false): { out: Screen; err: Screen; output: Output } => {
    const [out, err] = [new Screen(tty), new Screen(tty)];
    return { out, err, output: createOutput(json, { stdout: out, stderr: err }) };
  };

  test('gives a terminal no control characters, whatever they are in', () => {
    const { out, err, output } = outputs(true);
    const { colors } = output;
    output.print(hostile);
    output.print(colors.green(hostile));
    output.write(hostile);
    output.speak(hostile, colors.bold);
    output.speak(new TextEncoder().encode(hostile));
    output.table(['name'], [[hostile], [colors.red(hostile)]]);
    output.facts([[`label ${hostile}`, hostile]]);
    output.note(hostile);
    for (const text of [out.text, err.text]) {
      assert.doesNotMatch(stripColors(text), CONTROL);
      assert.ok(text.includes(shown));
      assert.ok(!text.includes(`${ESCAPE}[31mred`), 'a colour that is not ours');
    }
  });

  test('gives a pipe what was generated as it is, and messages without control characters', () => {
    const { out, err, output } = outputs(false);
    output.speak(hostile);
    assert.equal(out.text, hostile);
    output.print(hostile);
    assert.equal(out.text, `${hostile}${shown}\n`);
    output.note(hostile);
    assert.equal(err.text, `${shown}\n`);
  });

  test('JSON holds the same text without a control character', () => {
    const { out, output } = outputs(true, true);
    output.data({ hostile });
    assert.doesNotMatch(out.text.trimEnd(), CONTROL);
    assert.deepEqual(JSON.parse(out.text), { hostile });
  });

  test('keeps line feeds and tabs, and columns below each other', () => {
    const { out, output } = outputs(false);
    output.speak('a\tb\n');
    output.table(
      ['name', 'n'],
      [
        ['x\ny', '1'],
        ['\u001b[2J', '22'],
      ],
    );
    assert.equal(out.text, 'a\tb\nname      n\nx\\x0ay    1\n\\x1b[2J  22\n');
  });
});

const CONTROL = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

/** Without the colours that the program itself may use (one code or two). */
function stripColors(text: string): string {
  return text.replaceAll(new RegExp(`${ESCAPE}\\[\\d{1,3}m`, 'g'), '');
}
