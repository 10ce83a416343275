// The flags that the subcommands of `inkhorn inspect` share.
import { engineFlags } from '../engine.ts';
import { type Flags, integer, text, type Values } from '../flags.ts';
import { measuredFlags } from '../measured-text.ts';
import { chosenFlags } from '../models.ts';
import { forceFlag, outFolderFlag } from '../out-folder.ts';
import { specialFlags } from '../special.ts';

export const outFlag = {
  ...outFolderFlag,
  about: 'folder for pictures (PNG, SVG) and their numbers (JSON); none without it',
};

export const textFlags = {
  ...chosenFlags,
  text: text({ about: 'text that the model reads', short: 't', initial: 'the start of the validation part' }),
  textFile: text({ about: 'file with the text', argument: '<file>' }),
  ...measuredFlags,
  out: outFlag,
  force: forceFlag,
  ...specialFlags,
  ...engineFlags,
} satisfies Flags;

export const batchFlags = {
  ...textFlags,
  batchSize: integer({ about: 'sequences for the statistics of activations', initial: '16' }, 1, 4096),
  seed: integer({ about: 'decides which sequences', initial: '1337' }, 0),
} satisfies Flags;

export const topFlag = integer({ about: 'most likely tokens to name', initial: '3' }, 1, 100);

/** Flags of every subcommand. */
export type LookFlags = Values<typeof batchFlags>;
