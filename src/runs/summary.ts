// All that is known of a run: what its reports are made from.
import type { Precision } from '../backend/contract.ts';
import type { GPTConfig } from '../model/config.ts';
import type { EngineUse } from '../train/engines.ts';
import type { TrainEvent } from '../train/events.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { SavedComparison } from './comparison.ts';
import type { DataRecord } from './data-record.ts';
import type { Findings } from './findings.ts';

/** Settings as they were used, and the events as they came. See `readRun`. */
export interface RunSummary {
  /** Heading: `seed on tiny-shakespeare`. */
  title: string;
  /** Where the run is. */
  folder: string;
  config: GPTConfig;
  /** Numbers in all parameters. */
  parameters: number;
  /** Which text; the counts of tokens where they were recorded. */
  data: DataRecord & { trainTokens?: number; valTokens?: number };
  /** `split`: how it cuts text before merging. `id` is the same for the same tokenizer. */
  tokenizer: { vocabSize: number; split: string; id: string };
  /** Who computed it, in order; empty where nothing says so. */
  engines: readonly EngineUse[];
  precision: Precision;
  settings: TrainSettings;
  /** History of the run, earlier parts of a resumed one included. */
  events: readonly TrainEvent[];
  /** Quantised copies beside the model that they were made of, by the name of their folder. */
  comparisons: ReadonlyMap<string, SavedComparison>;
  /** What was found inside its model. */
  findings: Findings;
  /** The shell command that does the same again. */
  command: string;
}
