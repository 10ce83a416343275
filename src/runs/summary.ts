// Everything that reports of a run are made from.
import type { Precision } from '../backend/contract.ts';
import type { GPTConfig } from '../model/config.ts';
import type { EngineUse } from '../train/engines.ts';
import type { TrainEvent } from '../train/events.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { SavedComparison } from './comparison.ts';
import type { DataRecord } from './data-record.ts';
import type { Findings } from './findings.ts';

/** The settings of the run, and its events in order. See `readRun`. */
export interface RunSummary {
  /** Heading: `seed on tiny-shakespeare`. */
  title: string;
  /** The location of the run. */
  folder: string;
  config: GPTConfig;
  /** Number of weights in all parameters. */
  parameters: number;
  /** The text; the numbers of tokens if they were recorded. */
  data: DataRecord & { trainTokens?: number; valTokens?: number };
  /** `split`: how it cuts text before merging. `id` is equal for equal tokenizers. */
  tokenizer: { vocabSize: number; split: string; id: string };
  /** The engines, in order; empty if they were not recorded. */
  engines: readonly EngineUse[];
  precision: Precision;
  /** The model that the run went on from, if any: a folder, or a name. */
  start?: string;
  /** The models whose predictions it learnt, as typed. */
  teachers: readonly string[];
  settings: TrainSettings;
  /** The events of the run, including earlier parts of a resumed run. */
  events: readonly TrainEvent[];
  /** Comparisons of quantised copies, by the names of their folders. */
  comparisons: ReadonlyMap<string, SavedComparison>;
  /** The findings about its model. */
  findings: Findings;
  /** The shell command that repeats the run. */
  command: string;
}
