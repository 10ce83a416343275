// What the programs of bench/ have in common: options, the description of the machine, the tables of timings.
// Read next: ../train.ts.
import { availableParallelism, cpus, totalmem } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Backend } from '../../src/backend/contract.ts';
import { formatNumber, formatShort } from '../../src/base/format.ts';
import { formatTable } from '../../src/cli/table.ts';
import { type PresetName, presets } from '../../src/model/config.ts';
import { createBackend } from '../../src/platform/node-engines.ts';
import { ratio, type Timing, WARM_UP } from './contest.ts';

/** Options of every program. */
const common = {
  turns: { type: 'string', default: '5' },
  json: { type: 'boolean', default: false },
} as const;

/** Options of programs that run an engine. */
export const engineOptions = {
  threads: { type: 'string', default: String(availableParallelism()) },
  backend: { type: 'string', default: 'auto' },
} as const;

/** Options of programs that train on a text. */
export const trainingOptions = {
  ...engineOptions,
  data: { type: 'string', default: 'tiny-shakespeare' },
  seed: { type: 'string', default: '1337' },
} as const;

/** The option of programs that have peers. It may be given more than once. */
export const peerOption = { peer: { type: 'string', multiple: true, default: [] as string[] } } as const;

type Options = NonNullable<ParseArgsConfig['options']>;
/** The values that parseArgs() returns for the options of a program and the common ones. */
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T & typeof common }>>['values'];

/** Reads the command line. From here on an error ends the program with one line. */
export function readOptions<T extends Options>(options: T): Values<T> {
  process.once('uncaughtException', ({ message }) => {
    console.error(message);
    process.exit(1);
  });
  return parseArgs({ options: { ...common, ...options } }).values as Values<T>;
}

/** A whole number of at least 1 from the command line. Throws for anything else. */
export function count(name: string, value: string): number {
  const n = Number(value);
  if (Number.isInteger(n) && n >= 1) return n;
  throw new Error(`--${name} ${value} is not a whole number >= 1`);
}

/** The precision of products. Throws for an unknown one. */
export function readPrecision(value: string): 'f32' | 'bf16' {
  if (value === 'f32' || value === 'bf16') return value;
  throw new Error(`--precision ${value}: f32 or bf16`);
}

/** The preset named by `--flag`. Throws for an unknown name, and then names `others`, too. */
export function readPreset(flag: string, name: string, others: readonly string[] = []): PresetName {
  if (Object.hasOwn(presets, name)) return name as PresetName;
  throw new Error(`--${flag} ${name} is none: ${[...Object.keys(presets), ...others].join(', ')}`);
}

/** The engine chosen by the options. */
export async function openEngine(options: {
  backend: string;
  threads: string;
  precision: string;
}): Promise<Backend> {
  const threads = count('threads', options.threads);
  return (await createBackend(options.backend, { threads, precision: readPrecision(options.precision) }))
    .backend;
}

export interface Machine {
  processor: string;
  cores: number;
  memoryGB: number;
  system: string;
  node: string;
}

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

/** A description of the machine in one line. */
export function describeMachine(): string {
  const { processor, cores, memoryGB, system, node } = machine();
  return `${processor}, ${cores} cores, ${memoryGB} GB, ${system}, Node ${node}`;
}

/** A contest, as it is printed. */
export interface Figure {
  /** What is measured. */
  title: string;
  /** Unit of the rate: `tokens/s`. */
  unit: string;
  timings: readonly Timing[];
  /** The pairs to compare: how many times as fast the first is as the second. */
  pairs: readonly (readonly [Timing, Timing])[];
  /** Further columns: heading -> cell of each timing. */
  columns?: Readonly<Record<string, (timing: Timing) => number>>;
}

/** Prints the results, for people or as one line of JSON. */
export function show(
  figures: readonly Figure[],
  settings: { threads: number; turns: number; json: boolean; missing?: readonly string[] },
): void {
  const { json, missing = [], ...rest } = settings;
  if (json) {
    const data = figures.map(({ pairs, columns, timings, ...figure }) => ({
      ...figure,
      timings: timings.map((timing) => ({ ...timing, ...cells(columns, timing) })),
      ratios: pairs.map(([a, b]) => ({ of: a.name, to: b.name, ratio: ratio(a, b) })),
    }));
    console.log(JSON.stringify({ machine: machine(), ...rest, warmUp: WARM_UP, figures: data, missing }));
    return;
  }
  const { processor, cores, memoryGB, system, node } = machine();
  console.log(
    `${processor}, ${cores} cores, ${memoryGB} GB, ${system}, Node ${node}; ${rest.threads} threads`,
  );
  console.log(`median of ${rest.turns} turns (least..most), in turns, after ${WARM_UP} each to warm up`);
  for (const figure of figures) showFigure(figure);
  for (const line of missing) console.log(line);
}

function showFigure({ title, unit, timings, pairs, columns = {} }: Figure): void {
  console.log(`\n${title}`);
  const extra = Object.keys(columns);
  const rows = timings.map((timing) => [
    `  ${timing.name}`,
    formatSeconds(timing.median),
    `${formatSeconds(timing.min)}..${formatSeconds(timing.max)}`,
    formatSeconds(timing.first),
    formatShort(timing.rate),
    ...extra.map((name) => formatNumber(columns[name](timing))),
    timing.peakMB ? `${timing.peakMB} MB` : '',
  ]);
  const heads = ['', 'median', 'spread', 'first', unit, ...extra, 'peak memory'];
  for (const line of formatTable(heads, rows)) console.log(line);
  for (const includes of new Set(timings.map((timing) => timing.includes))) {
    const names = timings.filter((timing) => timing.includes === includes).map(({ name }) => name);
    console.log(`  ${names.join('; ')}: ${includes}`);
  }
  for (const [a, b] of pairs)
    console.log(`  ${a.name} is ${ratio(a, b).toFixed(2)} times as fast as ${b.name}`);
}

function cells(columns: Figure['columns'], timing: Timing): Record<string, number> {
  return Object.fromEntries(Object.entries(columns ?? {}).map(([name, cell]) => [name, cell(timing)]));
}

/** 2.21 s, 130 ms, 12.0 us. */
export function formatSeconds(seconds: number): string {
  if (seconds >= 1) return `${seconds.toPrecision(3)} s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toPrecision(3)} ms`;
  return `${(seconds * 1e6).toPrecision(3)} us`;
}
