// How tokens are drawn: the options of the library's own table, in the address.
import { generateFields, type OptionField, type PlainGenerateOptions } from 'inkhorn';
import type { VNode } from 'preact';
import { Option, valueFrom } from '../../parts/option.tsx';
import { choice, choose } from '../../route.ts';

type Field = OptionField<unknown, unknown>;
type Name = (typeof FIRST)[number] | (typeof MORE)[number];

const FIRST = ['temperature', 'topK', 'topP', 'maxTokens', 'seed'] as const;
const MORE = ['minP', 'repetitionPenalty', 'overflow', 'heal'] as const;

const table = generateFields as unknown as Readonly<Record<Name, Field>>;

/** Where sliders end; the options themselves go further. */
const RANGES: Partial<Record<Name, readonly [number, number]>> = {
  temperature: [0, 2],
  maxTokens: [16, 1024],
  seed: [0, 9999],
  repetitionPenalty: [1, 1.5],
  topP: [0.05, 1],
  minP: [0, 0.5],
};

/** The seed of a text is another choice than the seed of a run. */
function keyOf(name: Name): string {
  return name === 'seed' ? 'draw' : name;
}

/** What the address says; or what is wrong with it, in one line. */
export function samplingOf(): { options: PlainGenerateOptions; problem: string | null } {
  const options: Partial<Record<Name, unknown>> = {};
  let problem: string | null = null;
  for (const name of [...FIRST, ...MORE]) {
    const text = choice(keyOf(name));
    try {
      options[name] = text === null ? table[name].default : valueFrom(name, table[name], text);
    } catch (error) {
      problem ??= error instanceof Error ? error.message : String(error);
    }
  }
  return { options: options as PlainGenerateOptions, problem };
}

/** Another text of the same prompt. */
export function drawAnew(): void {
  const { seed = 0 } = samplingOf().options;
  choose({ draw: String(seed + 1) });
}

export function Sampling(): VNode {
  return (
    <details class="group" open={matchMedia('(min-width: 1000px)').matches}>
      <summary>How tokens are drawn</summary>
      <Options names={FIRST} />
      <details class="group">
        <summary>More options</summary>
        <Options names={MORE} />
      </details>
    </details>
  );
}

function Options({ names }: { names: readonly Name[] }): VNode {
  return (
    <div class="options">
      {names.map((name) => {
        const text = choice(keyOf(name));
        const usual = table[name].default;
        return (
          <Option
            key={name}
            name={name}
            field={table[name]}
            value={text ?? (usual === Number.POSITIVE_INFINITY ? '' : usual)}
            changed={text !== null && text !== String(usual)}
            range={RANGES[name]}
            placeholder={usual === Number.POSITIVE_INFINITY ? 'all' : undefined}
            onChange={(value) => choose({ [keyOf(name)]: value === '' ? null : value })}
          />
        );
      })}
    </div>
  );
}
