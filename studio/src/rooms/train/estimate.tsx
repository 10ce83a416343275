// What a training will take, from the shapes alone: time by the measured speed of the engine, memory counted.
import { type GPTConfig, modelCost, type TrainSettings, totalCost, trainedCount } from 'inkhorn';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { engine, library } from '../../engine.ts';
import { attempt, complain } from '../../notices.ts';
import { duration } from '../../parts/duration.ts';
import { measureSpeed, operationsPerSecond } from '../../speed.ts';
import type { Plan } from './plan.ts';

/** What a module of WebAssembly can address, less what the engine needs for itself. */
const MOST_BYTES = 3.75e9;
/** Evaluations take at most a fifth of the training. */
const WITH_EVALUATIONS = 1.2;

/** Either is null while something is wrong. */
export function Estimate({ config, settings }: Pick<Plan, 'config' | 'settings'>): VNode {
  const bytes = useMemory(config, settings);
  const ready = engine.value.state === 'ready';
  useEffect(() => {
    if (ready) attempt(measureSpeed);
  }, [ready]);
  if (!config || !settings)
    return <p class="muted">Mend what is wrong below, then this says what it takes.</p>;
  const cost = totalCost(modelCost(config));
  const trained = trainedCount(config, settings);
  const tokens = settings.batchSize * settings.accumulate * config.blockSize;
  const rate = operationsPerSecond.value;
  const seconds = rate === null ? null : (settings.steps * tokens * cost.training) / rate;
  const tooLarge =
    engine.value.state === 'ready' && engine.value.name === 'wasm' && (bytes ?? 0) > MOST_BYTES;
  return (
    <>
      <dl class="facts">
        <Fact
          name="Time"
          value={seconds === null ? 'measuring' : `about ${duration(WITH_EVALUATIONS * seconds)}`}
        />
        <Fact name="Memory" value={bytes === null ? 'counting' : size(bytes)} />
        <Fact
          name="Parameters"
          value={count(cost.parameters)}
          note={trained === cost.parameters ? '' : `${count(trained)} are trained`}
        />
        <Fact name="Tokens per step" value={count(tokens)} />
      </dl>
      {tooLarge && (
        <p class="bad" role="alert">
          A tab has 4 GB for this engine: lower microBatch, blockSize or nEmbd.
        </p>
      )}
    </>
  );
}

function Fact({ name, value, note = '' }: { name: string; value: string; note?: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {note !== '' && <small>{note}</small>}
      </dd>
    </div>
  );
}

/** Milliseconds that a slider rests before the memory is counted. */
const REST_MS = 150;

function useMemory(config: GPTConfig | null, settings: TrainSettings | null): number | null {
  const [bytes, setBytes] = useState<number | null>(null);
  const key = JSON.stringify([config, settings]);
  useEffect(() => {
    if (!config || !settings) return;
    let current = true;
    const timer = setTimeout(() => {
      library()
        .then((worker) => worker.trainingBytes(config, settings))
        .then((counted) => current && setBytes(counted))
        .catch((error) => current && complain(error));
    }, REST_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [key]);
  return bytes;
}

function count(n: number): string {
  return n.toLocaleString('en');
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
