// What lies where in the folder of a run, and which of it a new run may remove. What the files hold:
// history.ts, record.ts, checkpoint.ts, findings.ts, comparison.ts; all of it at once: read.ts.

/** The checkpoint with the lowest validation loss: what `generate` and the others take from a run. */
export const BEST = 'best';
/** The newest checkpoint: what `--resume` goes on from. */
export const LAST = 'last';
/** What happened, as JSON; up to the last checkpoint that is in `last/`, too. */
export const HISTORY_FILE = 'history.json';
/** What is known of a run beside its settings and its events, written when it begins. */
export const RUN_FILE = 'run.json';
/** What its reports show of the inside of its model. */
export const LOOK_FILE = 'look.json';
/** Where `inspect --out` leaves what somebody wanted to see of it instead. */
export const INSPECT_FOLDER = 'inspect';
/** The pictures of its reports. */
export const FIGURES_FOLDER = 'figures';
/** The reports. */
export const REPORT_FILES: readonly string[] = ['report.html', 'report.md'];

/** In a checkpoint: the moments of the optimizer. */
export const MOMENTS_FILE = 'training.safetensors';
/** In a checkpoint: settings, progress and history. */
export const TRAINING_FILE = 'training.json';
/** In `best/`: the step that it is of, and its validation loss. */
export const EVALUATION_FILE = 'evaluation.json';
/** In a quantised copy: what it was compared with, and what came out. */
export const COMPARISON_FILE = 'compare.json';

/** Where quantised copies of the model usually are. */
export const COPIES: readonly string[] = ['int8', 'int4'];

const ENTRIES: ReadonlySet<string> = new Set([
  BEST,
  LAST,
  ...COPIES,
  INSPECT_FOLDER,
  FIGURES_FOLDER,
  HISTORY_FILE,
  RUN_FILE,
  LOOK_FILE,
  ...REPORT_FILES,
]);

/** Pictures in the folder itself, where the versions before 0.2 drew them. */
const OLD_FIGURE =
  /^(loss|health|(relu|gelu|relu2|silu)-(activations|gradients)(-over-time)?|attention(-heads)?|token-loss|logit-lens)\.(png|svg|json)$/;

/**
 * Whether a run, or what was made of its model, leaves an entry of that name in its folder: `--force` removes
 * these and nothing else.
 */
export function isOfRun(name: string): boolean {
  return ENTRIES.has(name) || OLD_FIGURE.test(name);
}
