// Shrink & take: a smaller copy, downloads, the way to the command line, and back.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { changes } from '../../kept/files.ts';
import { attempt } from '../../notices.ts';
import { chosenModel, isMissing, ModelPicker, useModels } from '../../parts/model-picker.tsx';
import { Away } from './away.tsx';
import { Back } from './back.tsx';
import { type RunFacts, runOf } from './run-facts.ts';
import { Shrink } from './shrink.tsx';
import './take.css';

export function Take(): VNode {
  const model = chosenModel();
  const [run, setRun] = useState<RunFacts | null>(null);
  const version = `${changes.runs.value} ${changes.texts.value}`;
  useEffect(() => {
    let wanted = true;
    attempt(async () => {
      const found = await runOf(model);
      if (wanted) setRun(found);
    });
    return () => {
      wanted = false;
    };
  }, [model, version]);
  // What is no name of a model at all, the parts below say.
  const missing = isMissing(useModels(), model) && /^(runs|models)\//.test(model);
  const text = run?.text ? { ...run.data, name: run.text } : null;
  return (
    <div class="take">
      <h1>Shrink and take away</h1>
      <div class="card which">
        <ModelPicker />
      </div>
      {!missing && <Shrink model={model} text={text} />}
      {!missing && <Away model={model} run={run} />}
      <Back run={missing ? null : run} />
    </div>
  );
}
