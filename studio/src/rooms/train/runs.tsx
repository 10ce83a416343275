// The runs of this browser: compared over each other, gone on with, deleted.
import { furtherSteps } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { alone, changes, discard } from '../../kept/files.ts';
import { forget } from '../../kept/models.ts';
import { differences, type KeptRun, readRuns } from '../../kept/runs.ts';
import { attempt } from '../../notices.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Curve, type Line } from '../../parts/curve.tsx';
import { choice, choose, link } from '../../route.ts';
import { goOn, isBusy, training } from '../../training.ts';
import { Live } from './live.tsx';

/** Runs that are drawn at a time: as many as have a colour. */
const MOST = 7;

type KeptRuns = Awaited<ReturnType<typeof readRuns>>;

/** All runs of this browser, read again when one has changed. */
export function useRuns(): KeptRuns {
  const [kept, setKept] = useState<KeptRuns>({ runs: [], damaged: [] });
  const version = changes.runs.value;
  useEffect(() => {
    let newest = true; // a slower reading of before does not replace a later one
    attempt(async () => {
      const read = await readRuns();
      if (newest) setKept(read);
    });
    return () => {
      newest = false;
    };
  }, [version]);
  return kept;
}

export function Runs({ runs, damaged }: KeptRuns): VNode | null {
  if (runs.length === 0 && damaged.length === 0) return null;
  const compared = new Set((choice('compare') ?? '').split('/'));
  const chosen = runs.filter(({ name }) => compared.has(name)).slice(0, MOST);
  const differ = differences(runs);
  const toggle = (name: string): void => {
    const next = new Set(compared);
    if (!next.delete(name)) next.add(name);
    choose({ compare: [...next].filter(Boolean).join('/') || null });
  };
  return (
    <section class="runs">
      <h2>Runs in this browser</h2>
      {chosen.length > 1 && (
        <Curve
          title="Validation loss"
          lines={chosen.map(lineOf)}
          version={changes.runs.value}
          unit="nats per token"
        />
      )}
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Compare</th>
              <th scope="col">Run</th>
              <th scope="col">What differs</th>
              <th scope="col">Steps</th>
              <th scope="col">Best validation</th>
              <th scope="col">
                <span class="unseen">What to do</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run, i) => (
              <Row
                key={run.name}
                run={run}
                differs={differ[i]}
                chosen={compared.has(run.name)}
                toggle={() => toggle(run.name)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {damaged.map(({ name, reason }) => (
        <p key={name} class="warning">
          <b>{name}</b> cannot be read: {reason} <Delete name={name} />
        </p>
      ))}
    </section>
  );
}

/** A run that was chosen from the list, as it was when it was last saved. */
export function PastRun({ run }: { run: KeptRun | undefined }): VNode | null {
  if (!run || training.value?.name === run.name) return null;
  const { name, step, settings, events } = run;
  const standing = step < settings.steps ? `stopped at step ${step}` : 'finished';
  return (
    <>
      <Live
        run={{ ...run, count: { value: events.length } }}
        model={`runs/${name}`}
        own={false}
        standing={standing}
      />
      <p>
        <button type="button" class="quiet" onClick={() => choose({ show: null })}>
          Close {name}
        </button>
      </p>
    </>
  );
}

function Row({
  run,
  differs,
  chosen,
  toggle,
}: {
  run: KeptRun;
  differs: string;
  chosen: boolean;
  toggle(): void;
}): VNode {
  const { name, text, step, settings, best } = run;
  const live = isBusy() && training.value?.name === name;
  const left = step < settings.steps;
  return (
    <tr>
      <td>
        <input type="checkbox" checked={chosen} onChange={toggle} aria-label={`Compare ${name}`} />
      </td>
      <th scope="row">
        <a href={link('train', { show: name })}>{name}</a> <small class="muted">on {text}</small>
      </th>
      <td class="differs">{differs}</td>
      <td class="steps">
        {step} of {settings.steps}
      </td>
      <td class="best">{best?.toFixed(3) ?? '–'}</td>
      <td>
        <span class="buttons">
          {left && !isBusy() && (
            <button type="button" onClick={() => attempt(() => goOn(name))}>
              Go on
            </button>
          )}
          {!left && !isBusy() && (
            <button type="button" onClick={() => attempt(() => goOn(name, furtherSteps(settings.steps)))}>
              Go on to step {furtherSteps(settings.steps)}
            </button>
          )}
          <a class="button" href={link('play', { model: `runs/${name}` })}>
            Play
          </a>
          {live ? null : <Delete name={name} />}
        </span>
      </td>
    </tr>
  );
}

function Delete({ name }: { name: string }): VNode {
  const remove = async (): Promise<void> => {
    await alone(name, async () => {
      forget(`runs/${name}`);
      await discard('runs', name);
    });
  };
  return <Confirm label="Delete" question={`Delete ${name} for good?`} onYes={() => attempt(remove)} />;
}

function lineOf({ name, events }: KeptRun, i: number): Line {
  const evals = events.filter((event) => event.type === 'eval');
  return {
    label: name,
    color: `run-${i}`,
    x: evals.map(({ step }) => step),
    y: evals.map(({ valLoss }) => valLoss),
    points: true,
  };
}
