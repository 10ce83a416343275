// How a tokenizer is trained: the size of its vocabulary and its pattern, in the address.
import type { VNode } from 'preact';
import { type Plan, tokenizerChoices } from '../rooms/train/plan.ts';
import { choose } from '../route.ts';
import { Option } from './option.tsx';

const options = [
  {
    name: 'vocabSize',
    field: {
      about: 'tokens in the vocabulary',
      form: { kind: 'integer', limits: { min: 256 } },
      default: 500,
    },
    range: [256, 4096],
  },
  {
    name: 'pattern',
    field: {
      about: 'how the text is cut before merges are learnt',
      form: { kind: 'choice', choices: ['none', 'gpt2', 'gpt4', 'o200k'] },
      default: 'gpt4',
    },
    range: undefined,
  },
] as const;

export function TokenizerOptions({ plan }: { plan: Plan }): VNode {
  const shown = { vocabSize: plan.vocabSize, pattern: plan.tokenizer.pattern };
  return (
    <div class="options">
      {options.map(({ name, field, range }) => (
        <Option
          key={name}
          {...{ name, field, range }}
          value={shown[name]}
          changed={String(shown[name]) !== String(tokenizerChoices[name])}
          onChange={(value) => choose({ [name]: value })}
        />
      ))}
    </div>
  );
}
