// `inkhorn summary`: the parameters, bytes and floating-point operations of a model by part, and where its
// time goes. inspect/cost.ts counts.

import type { Backend } from '../../backend/contract.ts';
import { BYTES_PER_ELEMENT } from '../../backend/pool.ts';
import { formatBytes, formatCount, formatPercent, formatShort } from '../../base/format.ts';
import { flagName } from '../../base/shell.ts';
import { type CostTotals, modelCost, type PartCost, totalCost } from '../../inspect/cost.ts';
import { storedBytes } from '../../io/safetensors.ts';
import type { Store } from '../../io/store.ts';
import { type GPTConfig, makeConfig, presets } from '../../model/config.ts';
import { loadConfig, loadModel, loadTensors } from '../../model/folder.ts';
import { GPT } from '../../model/gpt.ts';
import { placeOf } from '../../model/names.ts';
import { type Context, defineCommand } from '../command.ts';
import { modelFlags, pick } from '../config-flags.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { asked, misuse } from '../errors.ts';
import { choice, type Flags, integer, toggle } from '../flags.ts';
import { checkMemory } from '../memory.ts';
import { findModel, modelFlag } from '../models.ts';
import type { Output } from '../output.ts';
import { presetNames } from '../run-settings.ts';
import { measureStep, type StepShares } from '../step-shares.ts';

const flags = {
  model: modelFlag,
  preset: choice({ about: 'a preset instead of a model, with any change to it', short: 'p' }, presetNames),
  vocabSize: integer({ about: 'tokens of the preset', option: 'vocabSize', initial: '500' }, 256),
  measure: toggle({ about: 'time the parts and the kernels of a step here, a few seconds' }),
  ...modelFlags,
  ...engineFlags,
} satisfies Flags;

type Given = Context<typeof flags>['flags'];

export const summary = defineCommand({
  examples: [
    ['summary --preset seed', 'counted, without a model'],
    ['summary --preset seed --n-layer 12 --n-embd 384 --n-head 6', 'what a larger one would cost'],
    ['summary --model runs/first --measure', 'a model that is there, and where a step of it spends its time'],
  ],
  flags,
  meant: (word) => (presetNames.some((name) => name === word) ? '--preset' : '--model'),
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    checkGiven(given);
    const store = given.preset === undefined ? await findModel(given.model, output) : null;
    const config = await (store ? loadConfig(store) : presetConfig(given));
    if (!given.measure) return output.data(await showCost(config, store, output));
    if (!store) checkMemory(config, BYTES_PER_ELEMENT.f32);
    await withEngine(given, async (engine) => {
      const cost = await showCost(config, store, output);
      const model = async (backend: Backend): Promise<GPT> =>
        store ? (await loadModel(store, { backend })).model : new GPT(config, { backend });
      const step = await measureStep(model, announceEngine(engine, output));
      output.data({ ...cost, step });
      showStep(step, output);
    });
  },
});

function checkGiven(given: Given): void {
  if (given.model !== undefined && given.preset !== undefined)
    throw misuse('--model and --preset are both given: which one?');
  const surplus = Object.keys({
    ...pick(given, modelFlags),
    ...pick(given, { vocabSize: flags.vocabSize }),
  })[0];
  if (given.preset === undefined && surplus !== undefined)
    throw misuse(
      `${flagName(surplus)} has no effect on a model: it is what it is; --preset NAME takes changes`,
    );
  const idle = Object.keys(pick(given, engineFlags))[0];
  if (!given.measure && idle !== undefined) throw misuse(`${flagName(idle)} has no effect without --measure`);
}

function presetConfig({ preset = 'seed', vocabSize = 500, ...given }: Given): Promise<GPTConfig> {
  return asked(() => makeConfig(presets[preset], vocabSize, pick(given, modelFlags)));
}

/** Prints what the parts of a model cost. Returns it, for machines. */
async function showCost(config: GPTConfig, store: Store | null, output: Output): Promise<object> {
  const parts = modelCost(config);
  const total = totalCost(parts);
  const stored = store && (await storage(store));
  showParts(parts, total, output);
  showNotes(config, total, stored, output);
  return { config, parts, total, ...(stored && { stored }) };
}

/** Bytes of the stored tensors by their dtype, `F32`. */
async function storage(store: Store): Promise<Record<string, number>> {
  const { tensors } = await loadTensors(store);
  const bytes: Record<string, number> = {};
  for (const tensor of tensors.values())
    bytes[tensor.dtype] = (bytes[tensor.dtype] ?? 0) + storedBytes(tensor);
  return bytes;
}

const COLUMNS = ['part', 'parameters', 'float32', 'bf16', 'INT8', 'INT4', 'forward', 'train'];

function row(name: string, cost: CostTotals): string[] {
  const bytes = (n: number): string => (n === 0 ? '' : short(n, 'B'));
  const count = (n: number): string => (n === 0 ? '' : formatShort(n));
  const { parameters, float32, bf16, int8, int4, forward, training } = cost;
  return [
    name,
    parameters === 0 ? '' : formatCount(parameters),
    bytes(float32),
    bytes(bf16),
    bytes(int8),
    bytes(int4),
    count(forward),
    count(training),
  ];
}

/** `464 kB`: three digits, for a column. */
function short(n: number, unit: string): string {
  return formatShort(n).replace(/([kMG]?)$/, ` $1${unit}`);
}

/** Consecutive equal blocks are shown as one: their parts, then the sum of them all. */
function showParts(parts: readonly PartCost[], total: CostTotals, output: Output): void {
  const rows: string[][] = [];
  const inside = parts.findIndex(({ block }) => block !== null);
  const after = parts.findLastIndex(({ block }) => block !== null) + 1;
  for (const part of parts.slice(0, inside)) rows.push(row(part.name, part));
  for (const group of alike(parts.slice(inside, after))) {
    const [first] = group;
    const many = group.length > 1;
    const names = many ? `each of ${first.block}-${first.block + group.length - 1}` : `block ${first.block}`;
    rows.push(row(names, totalCost(first.parts)));
    for (const part of first.parts) rows.push(row(`  ${placeOf(part.name).path}`, part));
    if (many) rows.push(row(`all ${group.length} blocks`, totalCost(group.flatMap((block) => block.parts))));
  }
  for (const part of parts.slice(after)) rows.push(row(part.name, part));
  rows.push(row('total', total));
  output.table(COLUMNS, rows);
}

interface Block {
  block: number;
  parts: PartCost[];
}

/** The blocks in order; consecutive equal ones are a group. */
function alike(parts: readonly PartCost[]): [Block, ...Block[]][] {
  const blocks = new Map<number, PartCost[]>();
  for (const part of parts) {
    if (part.block === null) continue;
    const own = blocks.get(part.block) ?? [];
    own.push(part);
    blocks.set(part.block, own);
  }
  const groups: [Block, ...Block[]][] = [];
  let before = '';
  for (const [block, own] of blocks) {
    const shape = JSON.stringify(
      own.map((part) => ({ ...part, block: null, name: placeOf(part.name).path })),
    );
    if (shape === before) groups.at(-1)?.push({ block, parts: own });
    else groups.push([{ block, parts: own }]);
    before = shape;
  }
  return groups;
}

function showNotes(
  { blockSize: T }: GPTConfig,
  total: CostTotals,
  stored: Record<string, number> | null,
  output: Output,
): void {
  output.print();
  if (stored) {
    const list = Object.entries(stored).map(([dtype, bytes]) => `${dtype} ${formatBytes(bytes)}`);
    const sum = Object.values(stored).reduce((a, b) => a + b, 0);
    output.print(`stored: ${formatBytes(sum)} (${list.join(', ')})`);
  }
  const flop = (perToken: number): string => short(perToken * T, 'FLOP');
  output.print(`a context of ${T} tokens: ${flop(total.forward)} forward, ${flop(total.training)} training`);
  output.print('forward, train: FLOP per token of matrix products, 2 per weight; of attention');
  output.print('(attn.mix) 4 x context x heads x head size; of training 3 times as many. Bytes');
  output.print('include scales, INT4 one for 64 columns; norms and biases stay float32.');
}

function showStep({ what, engine, seconds, kernels, parts }: StepShares, output: Output): void {
  output.print(
    `\n${output.colors.bold(`${what}, ${(1000 * seconds).toFixed(1)} ms`)} ${output.colors.dim(`(${engine})`)}`,
  );
  for (const [title, shares] of [
    ['part, all blocks', parts],
    ['kernel', kernels],
  ] as const) {
    output.table(
      [title, 'calls', 'ms', 'share'],
      shares.map(({ name, calls, seconds: time }) => [
        name,
        String(calls),
        (1000 * time).toFixed(2),
        formatPercent(time / seconds),
      ]),
    );
    output.print();
  }
}
