// The files in the folder of a run, and which of them a new run may remove. Their contents: history.ts,
// record.ts, checkpoint.ts, findings.ts, comparison.ts. Reading everything: read.ts.

/** The checkpoint with the lowest validation loss, which `generate` and other commands use. */
export const BEST = 'best';
/** The newest checkpoint, from which `--resume` continues. */
export const LAST = 'last';
/** The events, as JSON. Up to the last checkpoint they are also in `last/`. */
export const HISTORY_FILE = 'history.json';
/**
 * The events since a command began to train, a line each, while it does. At its end they are in the history.
 */
export const LIVE_FILE = 'live.jsonl';
/** Facts about a run besides its settings and events, written when it begins. */
export const RUN_FILE = 'run.json';
/** The findings for its reports. */
export const LOOK_FILE = 'look.json';
/** The folder of `inspect --out`, whose findings replace those in the file above. */
export const INSPECT_FOLDER = 'inspect';
/** The pictures of its reports. */
export const FIGURES_FOLDER = 'figures';
/** The text of the run, where a page packed it with the run. */
export const TEXT_FILE = 'text.txt';
/** The reports. */
export const REPORT_FILES: readonly string[] = ['report.html', 'report.md'];

/** In a checkpoint: the moments of the optimizer. */
export const MOMENTS_FILE = 'training.safetensors';
/** In a checkpoint: settings, progress and history. */
export const TRAINING_FILE = 'training.json';
/** In `best/`: its step and validation loss. */
export const EVALUATION_FILE = 'evaluation.json';
/** In a quantised copy: the comparison with its original. */
export const COMPARISON_FILE = 'compare.json';

/** The usual folder of quantised copies. */
export const COPIES: readonly string[] = ['int8', 'int4'];

const ENTRIES: ReadonlySet<string> = new Set([
  BEST,
  LAST,
  ...COPIES,
  INSPECT_FOLDER,
  FIGURES_FOLDER,
  HISTORY_FILE,
  LIVE_FILE,
  RUN_FILE,
  LOOK_FILE,
  ...REPORT_FILES,
]);

/** Pictures in the run's folder itself, where versions before 0.1.0 wrote them. */
const OLD_FIGURE =
  /^(loss|health|(relu|gelu|relu2|silu)-(activations|gradients)(-over-time)?|attention(-heads)?|token-loss|logit-lens)\.(png|svg|json)$/;

/** Whether reports before 0.1.0 wrote a file with this name beside themselves. */
export function isOldPicture(name: string): boolean {
  return OLD_FIGURE.test(name);
}

/**
 * Whether a run, or a command that used its model, writes an entry with this name into its folder. `--force`
 * removes these and nothing else.
 */
export function isOfRun(name: string): boolean {
  return ENTRIES.has(name) || OLD_FIGURE.test(name);
}
