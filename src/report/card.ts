// The model card of a run, `README.md` beside its model: what it is, what it has read, how it was trained,
// how good it is at each size, how fast, what it writes, and what it cannot do (Mitchell et al. 2019). The
// head is what Hugging Face reads. Read next: card-measures.ts.
import {
  formatAmount,
  formatBytes,
  formatCount,
  formatDuration,
  formatLoss,
  formatShort,
} from '../base/format.ts';
import { shellWord } from '../base/shell.ts';
import {
  againNote,
  bestEval,
  ending,
  engineFact,
  lastStep,
  tokensPerStep,
  totalSeconds,
} from '../runs/facts.ts';
import type { RunSummary } from '../runs/summary.ts';
import type { CardMeasures, CardSample } from './card-measures.ts';
import { fence, markdownTable, section } from './markdown.ts';

/**
 * The Markdown of a model card, for the folder of the model. The losses of the run's evaluations are those of
 * its history, the table of qualities is what was measured now. `picture`: the file with the curve of the
 * loss, relative to the card; null: none.
 */
export function renderCard(run: RunSummary, measures: CardMeasures, picture: string | null = null): string {
  const { config } = run;
  const prompt = measures.samples[0]?.prompt ?? '';
  const sections = [
    head(run),
    `# ${run.title}`,
    `A GPT of ${formatCount(run.parameters)} parameters that continues a text in the manner of ${run.data.name}, made with ` +
      'Inkhorn. In this folder:',
    fence(`npx inkhorn generate --model .${prompt === '' ? '' : ` --prompt ${shellWord(prompt)}`}`, 'sh'),
    section('Model', shape(run)),
    section('Data', data(run)),
    section('Training', training(run), picture === null ? '' : `![Loss](${picture})`, curve(run)),
    section('Quality', quality(run, measures), qualityTable(measures)),
    section('Speed', speed(measures)),
    section('Samples', samples(measures.samples)),
    section('Limits', limits(run, config.blockSize)),
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

/**
 * The YAML that Hugging Face reads (https://huggingface.co/docs/hub/model-cards). The licence is yours to
 * add.
 */
function head({ start }: RunSummary): string {
  const made = start === undefined ? 'trained-from-scratch' : 'fine-tuned';
  return ['---', 'pipeline_tag: text-generation', 'tags:', '- inkhorn', '- gpt', `- ${made}`, '---'].join(
    '\n',
  );
}

function shape({ config, tokenizer, start, teachers }: RunSummary): string {
  const position = { rope: 'rotary positions', learned: 'learned positions', none: 'no positions' }[
    config.position
  ];
  const from = start === undefined ? '' : ` It went on from the model \`${start}\`.`;
  const taught =
    teachers.length === 0
      ? ''
      : ` It learnt from the predictions of ${teachers.map((path) => `\`${path}\``).join(' and ')} as well as from the text.`;
  return (
    `A decoder-only transformer: ${formatAmount(config.nLayer, 'block')} of width ${config.nEmbd}, ${formatAmount(config.nHead, 'head')} of ` +
    `${config.headSize}, an MLP of ${config.mlpRatio} times the width with ${config.activation}, ${config.norm}, ${position}, ` +
    `context ${formatCount(config.blockSize)} tokens. The tokenizer is byte-level BPE of ${formatCount(tokenizer.vocabSize)} tokens, split ` +
    `${tokenizer.split}. All fields: [config.json](config.json).${from}${taught}`
  );
}

function data({ data }: RunSummary): string {
  const { name, bytes, sha256, trainFraction, validate, trainTokens, valTokens } = data;
  const parts =
    validate === 'inner'
      ? `Of the first ${formatShort(100 * trainFraction)} % the last tenth validated the model, what is before it trained it (the inner split)`
      : `The first ${formatShort(100 * trainFraction)} % trained the model, the rest validated it`;
  const tokens =
    trainTokens === undefined || valTokens === undefined
      ? ''
      : `: ${formatCount(trainTokens)} tokens for training, ${formatCount(valTokens)} for validation`;
  return `${name}, ${formatCount(bytes)} bytes, sha256 \`${sha256}\`. ${parts}${tokens}.`;
}

function training(run: RunSummary): string {
  const steps = lastStep(run.events);
  const engine = engineFact(run);
  const by = engine === undefined ? '' : ` by ${engine}`;
  return [
    `The run ${ending(run)} of ${formatCount(tokensPerStep(run))} tokens, ${formatShort(steps * tokensPerStep(run))} in all, in ` +
      `${formatDuration(totalSeconds(run))}${by}: ${run.settings.optimizer}, weight decay ${run.settings.weightDecay}, dropout ` +
      `${run.config.dropout}, seed ${run.settings.seed}. The whole recipe is in this command. ${againNote(run)}`,
    fence(run.command, 'sh'),
  ].join('\n\n');
}

/** The losses of the run's evaluations, at most ten of them, with the best and the last. */
function curve({ events }: RunSummary): string {
  const evals = events.filter((event) => event.type === 'eval');
  const best = bestEval(events);
  const every = Math.ceil(evals.length / 8);
  const shown = evals.filter((one, i) => i % every === 0 || one === best || i === evals.length - 1);
  if (shown.length === 0) return '';
  return markdownTable(
    ['step', 'train', 'validation', 'bits/byte', ''],
    shown.map((one) => [
      formatCount(one.step),
      formatLoss(one.trainLoss, 4),
      formatLoss(one.valLoss, 4),
      formatLoss(one.bitsPerByte, 3),
      one === best ? 'this model' : '',
    ]),
  );
}

function quality({ config }: RunSummary, { tokens }: CardMeasures): string {
  return (
    `Over ${formatCount(tokens)} tokens of the validation part, in consecutive windows of ${formatCount(config.blockSize)} tokens, computed in ` +
    'float32. "Cost" is the loss against the weights as trained.'
  );
}

/** Size and loss of the weights as trained and of each copy. */
export function qualityTable({ formats }: Pick<CardMeasures, 'formats'>): string {
  const [trained] = formats;
  return markdownTable(
    ['parameters as', 'bytes', 'smaller', 'nats/token', 'bits/byte', 'cost'],
    formats.map(({ name, bytes, loss, bitsPerByte }) => [
      name,
      formatBytes(bytes),
      `${(trained.bytes / bytes).toFixed(2)}x`,
      loss.toFixed(4),
      bitsPerByte.toFixed(4),
      (loss - trained.loss).toFixed(4),
    ]),
  );
}

function speed({ formats, machine }: CardMeasures): string {
  const timed = formats.filter(({ tokensPerSecond }) => tokensPerSecond !== null);
  if (timed.length === 0) return '';
  return [
    `Tokens per second of one text, greedy, with a KV cache, on ${machine}:`,
    markdownTable(
      ['parameters as', 'tokens/s'],
      timed.map(({ name, tokensPerSecond }) => [name, formatShort(tokensPerSecond as number)]),
    ),
  ].join('\n\n');
}

/** What the model writes, each text in a fence. */
export function samples(texts: readonly CardSample[]): string {
  if (texts.length === 0) return '';
  const [{ temperature, topP }] = texts;
  const seeds = texts.map(({ seed }) => seed).join(', ');
  return [
    `Temperature ${temperature}, top-p ${topP}, the first draw of the seeds ${seeds}:`,
    ...texts.map(({ prompt, text }) => fence(prompt + text, 'text')),
  ].join('\n\n');
}

function limits({ data, events, start }: RunSummary, blockSize: number): string {
  const best = bestEval(events);
  const gap = best === null ? 0 : best.valLoss - best.trainLoss;
  const heart =
    gap > 0.05
      ? ` On what it has read its loss is ${formatLoss(gap, 2)} nats per token lower than on the rest of the text: the share that it knows by heart.`
      : '';
  const read =
    start === undefined ? `${formatBytes(data.bytes)} of ${data.name} and nothing else` : `${data.name} last`;
  return (
    `It has read ${read}: it writes in that manner, knows no facts beyond it, follows no instructions, and may repeat phrases of ` +
    `the text, with whatever errors and prejudice it holds.${heart} What is more than ${formatCount(blockSize)} tokens back it does not see.`
  );
}
