// Everything that is chosen before a training begins.

import { type Dataset, type PresetName, settingFields } from 'inkhorn';
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { changes, freeName } from '../../kept/files.ts';
import { load, titleOf } from '../../kept/models.ts';
import { renamedLine } from '../../kept/names.ts';
import { FIRST_TEXT, textNames } from '../../kept/texts.ts';
import { attempt } from '../../notices.ts';
import { ModelPicker } from '../../parts/model-picker.tsx';
import { leadToOption, Option } from '../../parts/option.tsx';
import { TokenizerOptions } from '../../parts/tokenizer-options.tsx';
import { choice, choices, choose, link } from '../../route.ts';
import { begin } from '../../training.ts';
import { type Base, useBase } from './base.ts';
import { EngineChoice } from './engine-choice.tsx';
import { Estimate } from './estimate.tsx';
import { type Fit, FitLine, readerOfBase, readerOfPlan, useFit } from './fit.tsx';
import {
  configFor,
  type FineTuning,
  fields,
  fineTuningOf,
  type Plan,
  type Problem,
  planOf,
  problemWith,
} from './plan.ts';

const ABOUT: Readonly<Record<PresetName, string>> = {
  tiny: 'Learns to spell within minutes. Begin here.',
  seed: 'The first model of this project: layers of 232, 3.5 million parameters.',
  shakespeare: 'Our recommendation for a megabyte of text: the recipe of the bundled model.',
  portable: 'Almost as good as shakespeare, in a shape that other programs can load.',
  speedrun: 'A smaller model, of 1.4 million parameters: to the quality of seed in the least time.',
};

/** Where sliders end; the options themselves go further. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  steps: [10, 5000],
  batchSize: [1, 64],
  blockSize: [16, 512],
  nLayer: [1, 12],
  nHead: [1, 12],
  nEmbd: [16, 512],
  dropout: [0, 0.5],
  evalEvery: [0, 500],
  sampleEvery: [0, 500],
  seed: [0, 9999],
  lora: [0, 64],
};

export function Setup(): VNode {
  const from = choice('from') || null;
  const base = useBase(from);
  const plan = planOf(choices());
  const tuning = base && 'config' in base ? fineTuningOf(choices(), base) : null;
  const chosen = from === null ? plan : (tuning ?? UNKNOWN);
  const { settings, problem } = chosen;
  const reading = base && 'problem' in base ? base : null;
  const text = choice('text') ?? FIRST_TEXT;
  const about = from === null ? plan.preset : `from ${titleOf(from).replace(/, as bundled$/, '')}`;
  const usualName = `${text.replace(/\.\w+$/, '')} ${about}`;
  const fit = useFit(text, from === null ? readerOfPlan(plan) : tuning && readerOfBase(tuning));
  const start = async (): Promise<void> => {
    if (!settings) return;
    const name = await freeName('runs', choice('name') ?? usualName);
    const made = { tokenizer: plan.tokenizer, configOf: (data: Dataset) => configFor(plan, data) };
    await begin({
      name,
      text,
      settings,
      model: from === null ? made : { base: from, load: () => load(from) },
    });
  };
  const config = chosen.config && { ...chosen.config, ...fit.sizes };
  const [waits, press] = usePress(fit, () => attempt(start));
  return (
    <form
      class="setup"
      onSubmit={(event) => {
        event.preventDefault();
        press();
      }}
    >
      <section class="card">
        <h2>Text and tokens</h2>
        <TextChoice text={text} fit={fit} />
        {from === null ? (
          <TokenizerOptions problem={problem} />
        ) : (
          tuning && <OldTokenizer base={tuning.base} />
        )}
      </section>
      <section class="card">
        <h2>Model and recipe</h2>
        <ModelPicker choice="from" label="begin with" usual={null} none="a new model" />
        {from === null ? <NewModel plan={plan} fit={fit} /> : tuning && <OldModel tuning={tuning} />}
      </section>
      <section class="card start">
        <h2>Before you start</h2>
        {!reading?.waiting && <Estimate config={config} settings={settings} />}
        <EngineChoice />
        <RunName usual={usualName} />
        {problem && <Wrong problem={problem} />}
        {!problem && reading && (
          <p class={reading.waiting ? 'muted' : 'bad'} role={reading.waiting ? 'status' : 'alert'}>
            {reading.problem}
          </p>
        )}
        <button
          type="submit"
          class="primary large"
          disabled={settings === null || fit.problem !== null}
          aria-describedby={fit.problem === null ? undefined : 'text-fit'}
        >
          {waits ? 'The text is looked at ...' : 'Start training'}
        </button>
      </section>
    </form>
  );
}

/** The most milliseconds for which a start waits: where an engine is slow, the training itself refuses. */
const PATIENCE_MS = 1000;

/** A press of the button, which waits until it is known whether the text can be trained on. */
function usePress(fit: Fit, start: () => void): [waits: boolean, press: () => void] {
  const [pressed, setPressed] = useState(false);
  useEffect(() => {
    if (!pressed) return;
    const end = (): void => {
      setPressed(false);
      if (fit.problem === null) start();
    };
    const timer = setTimeout(end, fit.known ? 0 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [pressed, fit]);
  return [pressed, () => setPressed(true)];
}

/** What is wrong, with the way to the option in which it is mended. */
function Wrong({ problem: { line, option } }: { problem: Problem }): VNode {
  return (
    <p class="bad" role="alert">
      {line}
      {option !== null && (
        <>
          {' '}
          <button type="button" class="inline" onClick={() => leadToOption(option)}>
            Show {option}
          </button>
        </>
      )}
    </p>
  );
}

/** The name of the run, and what becomes of it. */
function RunName({ usual }: { usual: string }): VNode {
  const wanted = choice('name');
  const [line, setLine] = useState<string | null>(null);
  const version = changes.runs.value;
  useEffect(
    () =>
      attempt(async () =>
        setLine(wanted === null ? null : renamedLine(wanted, await freeName('runs', wanted))),
      ),
    [wanted, version],
  );
  return (
    <label class="name">
      Name of the run
      <input
        type="text"
        value={wanted ?? ''}
        placeholder={usual}
        onChange={(e) => choose({ name: e.currentTarget.value.trim() || null })}
      />
      {line !== null && <small role="status">{line}</small>}
    </label>
  );
}

/** What there is to start while the trained model is not read. */
const UNKNOWN = { config: null, settings: null, problem: null } as const;

function NewModel({ plan: chosen, fit }: { plan: Plan; fit: Fit }): VNode {
  const { blockSize } = fit.sizes ?? chosen.values;
  const plan = { ...chosen, values: { ...chosen.values, blockSize } };
  return (
    <>
      <Presets chosen={plan.preset} />
      <Options plan={plan} names={commonNames} />
      <Group title="All options">
        {groups.map(([title, names]) => (
          <Group key={title} title={title}>
            <Options plan={plan} names={names} />
          </Group>
        ))}
      </Group>
    </>
  );
}

/** The options of a run that goes on from a trained model: its shape is decided. */
function OldModel({ tuning }: { tuning: FineTuning }): VNode {
  const { parameterCount, config } = tuning.base;
  const { nLayer, nHead, nEmbd, blockSize } = config;
  return (
    <>
      <p class="muted begun">
        Its copy goes on: {parameterCount.toLocaleString('en')} parameters in {nLayer} layers of {nHead}{' '}
        heads, width {nEmbd}, context {blockSize}. The first evaluation is its loss on this text before any
        step.
      </p>
      <Options plan={tuning} names={[...commonNames.filter(isSetting), ...TUNING]} />
      <Group title="All options">
        {groups
          .map(
            ([title, names]) =>
              [title, names.filter((name) => isSetting(name) && !TUNING.includes(name))] as const,
          )
          .filter(([, names]) => names.length > 0)
          .map(([title, names]) => (
            <Group key={title} title={title}>
              <Options plan={tuning} names={names} />
            </Group>
          ))}
      </Group>
    </>
  );
}

/** What of a trained model is trained. */
const TUNING: readonly string[] = ['lora', 'freeze'];

function isSetting(name: string): boolean {
  return name in settingFields;
}

function OldTokenizer({ base: { name, tokenizer } }: { base: Base }): VNode {
  return (
    <p class="muted begun">
      The tokens are those of {titleOf(name)}: {tokenizer.vocabSize.toLocaleString('en')} of them, pattern{' '}
      {tokenizer.pattern}.
    </p>
  );
}

const commonNames = Object.keys(fields).filter((name) => fields[name].common);

/** The other options, by their heading in the table. */
const groups: readonly (readonly [title: string, names: readonly string[]])[] = [
  ...Map.groupBy(
    Object.keys(fields).filter((name) => !fields[name].common),
    (name) => fields[name].group ?? 'The model',
  ),
];

function TextChoice({ text, fit }: { text: string; fit: Fit }): VNode {
  const [names, setNames] = useState<readonly string[]>([FIRST_TEXT]);
  const version = changes.texts.value;
  useEffect(() => attempt(async () => setNames(await textNames())), [version]);
  const all = names.includes(text) ? names : [...names, text];
  return (
    <div class="option">
      <label for="text-choice">text</label>
      <select id="text-choice" value={text} onChange={(e) => choose({ text: e.currentTarget.value })}>
        {all.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <small>
        <a href={link('text')}>Bring your own text</a>, or see how this one is cut into tokens.
      </small>
      <FitLine text={text} fit={fit} />
    </div>
  );
}

function Presets({ chosen }: { chosen: PresetName }): VNode {
  return (
    <fieldset class="presets">
      <legend>Preset</legend>
      {(Object.keys(ABOUT) as PresetName[]).map((name) => (
        <label key={name} class={name === chosen ? 'chosen' : ''}>
          <input
            type="radio"
            name="preset"
            checked={name === chosen}
            onChange={() => choose({ preset: name, ...nothingElse() })}
          />
          <b>{name}</b>
          <small>{ABOUT[name]}</small>
        </label>
      ))}
    </fieldset>
  );
}

/** A preset is chosen as a whole: changes to the one before do not carry over. */
function nothingElse(): Record<string, null> {
  return Object.fromEntries(
    [...choices().keys()].filter((name) => name in fields).map((name) => [name, null]),
  );
}

function Options({
  plan,
  names,
}: {
  plan: Pick<Plan, 'values' | 'changed' | 'problem'>;
  names: readonly string[];
}): VNode {
  return (
    <div class="options">
      {names.map((name) => (
        <Option
          key={name}
          name={name}
          field={fields[name]}
          value={plan.values[name]}
          changed={plan.changed.has(name)}
          problem={problemWith(name, plan.problem)}
          range={RANGES[name]}
          onChange={(value) => choose({ [name]: value })}
        />
      ))}
    </div>
  );
}

function Group({ title, children }: { title: string; children: ComponentChildren }): VNode {
  return (
    <details class="group">
      <summary>{title}</summary>
      {children}
    </details>
  );
}
