// The recipe for a large text. Those of the presets are for small texts that are read many times, which a
// model would learn by heart without much weight decay, and which are evaluated whole.
import { formatShort } from '../base/format.ts';
import { flagName } from '../base/shell.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { Output } from './output.ts';

/** Tokens from which a text is large: evaluating a tenth of it takes minutes. */
const LARGE = 1e7;
/** Up to so many times a text counts as read once. */
const FEW = 2;
/** The usual weight decay, which keeps a model little from learning what it sees for the first time. */
const GENTLE = 0.1;

/**
 * The settings of a run on `tokens` tokens, in windows of `blockSize`: as they are; or, for a large text,
 * with evaluations of limited length, and, where it is read twice at most, with less weight decay and every
 * window once per epoch. What was `chosen` stays. Says what was changed.
 */
export function forText(
  settings: TrainSettings,
  chosen: Partial<TrainSettings>,
  { tokens, blockSize }: { tokens: number; blockSize: number },
  output: Output,
): TrainSettings {
  if (tokens < LARGE) return settings;
  const { steps, batchSize, accumulate, bpeDropout } = settings;
  const times = (steps * batchSize * accumulate * blockSize) / tokens;
  const once = times <= FEW && settings.weightDecay > GENTLE && chosen.weightDecay === undefined;
  const better: Partial<TrainSettings> = {
    evalMethod: settings.evalMethod === 'whole' ? 'auto' : undefined,
    weightDecay: once ? GENTLE : undefined,
    sampling: once && bpeDropout === 0 ? 'epochs' : undefined,
  };
  const names = (Object.keys(better) as (keyof TrainSettings)[]).filter(
    (name) => better[name] !== undefined && better[name] !== settings[name] && chosen[name] === undefined,
  );
  if (names.length === 0) return settings;
  const flags = (from: Partial<TrainSettings>): string =>
    names.map((name) => `${flagName(name)} ${from[name]}`).join(' ');
  output.note(
    `a large text (${formatShort(tokens)} tokens, read ${Number(times.toPrecision(2))} times): ${flags(better)}; ` +
      `the recipe is for small ones, ${flags(settings)} keeps it`,
  );
  return { ...settings, ...Object.fromEntries(names.map((name) => [name, better[name]])) };
}
