// How a tokenizer is trained: the size of its vocabulary and its pattern, in the address.
import { type OptionField, tokenizerFields } from 'inkhorn';
import type { VNode } from 'preact';
import { type Problem, problemWith, tokenizerChoices } from '../rooms/train/plan.ts';
import { choice, choose } from '../route.ts';
import { Option } from './option.tsx';

/** Where sliders end; the options themselves go further. */
const RANGES = { vocabSize: [256, 4096], pattern: undefined } as const;

export function TokenizerOptions({ problem }: { problem: Problem | null }): VNode {
  return (
    <div class="options">
      {(['vocabSize', 'pattern'] as const).map((name) => {
        const usual = String(tokenizerChoices[name]);
        const value = choice(name) ?? usual;
        return (
          <Option
            key={name}
            {...{ name, value }}
            field={tokenizerFields[name] as OptionField<unknown, unknown>}
            range={RANGES[name]}
            changed={value !== usual}
            problem={problemWith(name, problem)}
            onChange={(value) => choose({ [name]: value })}
          />
        );
      })}
    </div>
  );
}
