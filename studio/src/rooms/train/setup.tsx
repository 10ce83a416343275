// Everything that is chosen before a training begins.

import { type PresetName, presets } from 'inkhorn';
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { changes, freeName } from '../../kept/files.ts';
import { FIRST_TEXT, textNames } from '../../kept/texts.ts';
import { attempt } from '../../notices.ts';
import { Option } from '../../parts/option.tsx';
import { TokenizerOptions } from '../../parts/tokenizer-options.tsx';
import { choice, choices, choose, link } from '../../route.ts';
import { begin } from '../../training.ts';
import { EngineChoice } from './engine-choice.tsx';
import { Estimate } from './estimate.tsx';
import { configFor, fields, type Plan, planOf } from './plan.ts';

const ABOUT: Readonly<Record<PresetName, string>> = {
  tiny: 'Learns to spell within minutes. Begin here.',
  seed: 'The first model of this project: layers of 232, 3.5 million parameters.',
  shakespeare: 'Our recommendation for a megabyte of text: the recipe of the bundled model.',
  portable: 'Almost as good, in a shape that other programs can load.',
  speedrun: 'The same model, trained to the quality of seed in the least time.',
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
};

export function Setup(): VNode {
  const plan = planOf(choices());
  const text = choice('text') ?? FIRST_TEXT;
  const start = async (): Promise<void> => {
    const { settings } = plan;
    if (!settings) return;
    const name = await freeName('runs', choice('name') ?? `${text.replace(/\.\w+$/, '')} ${plan.preset}`);
    await begin({
      ...{ name, text, settings, tokenizer: plan.tokenizer },
      configOf: (vocabSize) => configFor(plan, vocabSize),
    });
  };
  return (
    <form
      class="setup"
      onSubmit={(event) => {
        event.preventDefault();
        attempt(start);
      }}
    >
      <section class="card">
        <h2>Text and tokens</h2>
        <TextChoice text={text} />
        <TokenizerOptions />
      </section>
      <section class="card">
        <h2>Model and recipe</h2>
        <Presets chosen={plan.preset} />
        <Options plan={plan} names={commonNames} />
        <Group title="All options">
          {groups.map(([title, names]) => (
            <Group key={title} title={title}>
              <Options plan={plan} names={names} />
            </Group>
          ))}
        </Group>
      </section>
      <section class="card start">
        <h2>Before you start</h2>
        <Estimate plan={plan} />
        <EngineChoice />
        <label class="name">
          Name of the run
          <input
            type="text"
            value={choice('name') ?? ''}
            placeholder={`${text.replace(/\.\w+$/, '')} ${plan.preset}`}
            onChange={(e) => choose({ name: e.currentTarget.value || null })}
          />
        </label>
        {plan.problem && (
          <p class="bad" role="alert">
            {plan.problem}
          </p>
        )}
        <button type="submit" class="primary large" disabled={plan.problem !== null}>
          Start training
        </button>
      </section>
    </form>
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

function TextChoice({ text }: { text: string }): VNode {
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
    </div>
  );
}

function Presets({ chosen }: { chosen: PresetName }): VNode {
  return (
    <fieldset class="presets">
      <legend>Preset</legend>
      {(Object.keys(presets) as PresetName[]).map((name) => (
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

function Options({ plan, names }: { plan: Plan; names: readonly string[] }): VNode {
  return (
    <div class="options">
      {names.map((name) => (
        <Option
          key={name}
          name={name}
          field={fields[name]}
          value={plan.values[name]}
          changed={plan.changed.has(name)}
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
