// A training as it goes on, or as it ended.

import type { EvalEvent, SampleEvent, StepEvent, TrainEvent, TrainSettings, WarningEvent } from 'inkhorn';
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { Curve, type Line } from '../../parts/curve.tsx';
import { duration } from '../../parts/duration.ts';
import { Progress } from '../../parts/progress.tsx';
import { link } from '../../route.ts';
import { milestone, pause, phase, resume, stepOnce, stop } from '../../training.ts';
import type { Watched } from '../../watched.ts';
import { Health } from './health.tsx';

interface Shown {
  run: Omit<Watched, 'config' | 'step'>;
  /** The model that is talked to, by its name in the address. */
  model: string;
  /** Whether this page trains it. */
  own: boolean;
  /** What it does, where this page does not train it. */
  standing?: string;
}

export function Live({ run, model, own, standing }: Shown): VNode {
  const version = run.count.value;
  const { events, settings } = run;
  const last = latest(events);
  const over = events.at(-1)?.type === 'done';
  const lines = useMemo(() => lossLines(events), [version, events]);
  return (
    <section class="live" aria-label={`The training of ${run.name}`}>
      <header>
        <h2>{run.name}</h2>
        {own ? <Controls /> : <span class="muted">{standing ?? elsewhere(run)}</span>}
      </header>
      {own && milestone.value && (
        <Progress
          label={milestone.value.what === 'sample' ? 'A sample is drawn' : 'The model is evaluated'}
          done={milestone.value.done}
          total={milestone.value.total}
        />
      )}
      <dl class="meters">
        <Meter name="Step" value={`${last.step?.step ?? 0}`} note={`of ${settings.steps}`} />
        <Meter name="Loss" value={last.step?.loss.toFixed(3) ?? '–'} note="nats per token, this batch" />
        <Meter
          name="Validation"
          value={last.eval?.valLoss.toFixed(3) ?? '–'}
          note={last.eval ? `${last.eval.bitsPerByte.toFixed(2)} bits per byte` : 'not evaluated yet'}
        />
        <Meter
          name="Speed"
          value={last.step ? Math.round(last.step.tokensPerSecond).toLocaleString('en') : '–'}
          note="tokens per second"
        />
        <Meter name="Learning rate" value={last.step ? rateText(last.step.lr) : '–'} note="" />
        <Meter name="Time left" value={last.step && !over ? duration(last.step.eta) : '–'} note="" />
      </dl>
      {last.warnings.map(({ message, step }) => (
        <p key={`${step} ${message}`} class="warning">
          <b>Step {step}</b> {message}
        </p>
      ))}
      <div class="columns">
        <Curve title="Loss" lines={lines} version={version} unit="nats per token" height={300} />
        <Samples samples={last.samples} settings={settings} />
      </div>
      <Health events={events} version={version} />
      <p class="next">
        <a href={link('play', { model })}>Talk to it{own && ' as it is'}</a>
        <a href={link('look', { model })}>Look inside it{own && ' as it learns'}</a>
      </p>
    </section>
  );
}

function rateText(lr: number): string {
  return lr === 0 ? '0' : lr.toExponential(1);
}

function Controls(): VNode {
  const { phase: now } = phase.value;
  if (now === 'ended') return <span class="muted">{endOf(phase.value)}</span>;
  return (
    <span class="buttons">
      {now === 'paused' ? (
        <button type="button" class="primary" onClick={resume}>
          Go on
        </button>
      ) : (
        <button type="button" onClick={pause} disabled={now !== 'running'}>
          Pause
        </button>
      )}
      <button type="button" onClick={stepOnce} disabled={now === 'stopping' || now === 'preparing'}>
        One step
      </button>
      <button type="button" onClick={stop} disabled={now === 'stopping'}>
        Stop
      </button>
    </span>
  );
}

/** What a run that is trained elsewhere does. */
function elsewhere({ events }: Shown['run']): string {
  const last = events.at(-1);
  return last?.type === 'done' ? `${last.reason}, as its command line says` : 'trained by the command line';
}

function endOf(state: typeof phase.value): string {
  if (state.phase !== 'ended') return '';
  const words: Readonly<Record<string, string>> = {
    finished: 'finished',
    aborted: 'stopped: it can go on',
    stopped: 'stopped: it can go on',
    'non-finite': 'ended: the loss is not finite any more',
    failed: 'failed',
  };
  return words[state.reason] ?? '';
}

function Meter({ name, value, note }: { name: string; value: string; note: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} <small>{note}</small>
      </dd>
    </div>
  );
}

function Samples({
  samples,
  settings: { sampleEvery, steps },
}: Pick<Latest, 'samples'> & { settings: TrainSettings }): VNode {
  const none =
    sampleEvery === 0
      ? 'Samples are off: sampleEvery is 0.'
      : `The first sample comes after step ${Math.min(sampleEvery, steps)}.`;
  return (
    <section class="samples" aria-label="Samples">
      <h3>What it writes</h3>
      {samples.length === 0 && <p class="muted">{none}</p>}
      <ol>
        {samples.map(({ step, prompt, text }) => (
          <li key={step}>
            <span class="muted">step {step}</span>
            <p>
              <b>{prompt}</b>
              {text}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

interface Latest {
  step?: StepEvent;
  eval?: EvalEvent;
  /** Newest first. */
  samples: SampleEvent[];
  warnings: WarningEvent[];
}

function latest(events: readonly TrainEvent[]): Latest {
  return {
    step: events.findLast((event) => event.type === 'step'),
    eval: events.findLast((event) => event.type === 'eval'),
    samples: events.filter((event) => event.type === 'sample').reverse(),
    warnings: events.filter((event) => event.type === 'warning').slice(-3),
  };
}

/** The losses of a run as lines: of every step, their running mean, and of the validation part. */
function lossLines(events: readonly TrainEvent[]): Line[] {
  const steps = events.filter((event) => event.type === 'step');
  const evals = events.filter((event) => event.type === 'eval');
  const x = steps.map(({ step }) => step);
  return [
    { label: 'batch', color: 'train', x, y: steps.map(({ loss }) => loss), faint: true },
    { label: 'mean', color: 'train', x, y: runningMean(steps.map(({ loss }) => loss)) },
    {
      label: 'validation',
      color: 'val',
      x: evals.map(({ step }) => step),
      y: evals.map(({ valLoss }) => valLoss),
      points: true,
    },
  ];
}

/** The mean of the last steps: of more, the longer the run, up to about 20. */
function runningMean(values: readonly number[]): number[] {
  let mean = Number.NaN;
  return values.map((value, i) => {
    const share = Math.max(1 / 20, 4 / (i + 4));
    if (Number.isFinite(value)) mean = Number.isNaN(mean) ? value : mean + share * (value - mean);
    return mean;
  });
}
