// The report of a quantised copy: what became smaller, what it costs, and the command that repeats it.
import { shellWord } from '../base/shell.ts';
import { compareTables } from '../figures/comparison.ts';
import { LAYERS_TITLE } from '../figures/layer-errors.ts';
import type { Comparison } from '../runs/comparison.ts';
import { fence, markdownTable } from './markdown.ts';

/**
 * `report.md` of a quantised copy, with its picture beside it. `bundled` is the name of the bundled model.
 */
export function renderComparison(
  { before, after, quantize: options, data, ...report }: Comparison,
  bundled: string | null,
): string {
  const { bits = 8, groupSize, method, activations = 'int8', exclude = [] } = options;
  const sections = [
    `# INT${bits} copy of ${bundled ?? before}`,
    `Quantised to ${bits} bits per weight${bits === 4 ? ` in groups of ${groupSize} by ${method}` : ''}, ` +
      `activations ${activations}, ${exclude.length > 0 ? `without ${exclude.join(', ')}` : 'nothing excluded'}; ` +
      `compared on the validation part of ${data.name}.`,
    ...compareTables(report).flatMap(({ title, columns, rows, note }) => [
      `## ${title}`,
      markdownTable(columns, rows),
      ...(note ? [note] : []),
    ]),
    ...(report.layers.length > 0
      ? [`## ${LAYERS_TITLE}`, '![Signal to noise of each layer](layers.svg)']
      : []),
    '## Do it again',
    fence(
      [
        'inkhorn quantize',
        ...(bundled !== null ? [] : [`--model ${shellWord(before)}`]),
        `--out ${shellWord(after)} --bits ${bits}`,
        ...(bits === 4 ? [`--group-size ${groupSize} --method ${method}`] : []),
        `--activations ${activations}`,
        ...exclude.map((name) => `--exclude ${shellWord(name)}`),
        ...data.inputs.map((input) => `--data ${shellWord(input)}`),
        ...(data.asBytes ? ['--as-bytes'] : []),
      ].join(' '),
      'sh',
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}
