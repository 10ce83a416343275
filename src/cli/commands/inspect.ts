// `inkhorn inspect`: what a trained model does inside. The work is in ../inspection.ts.
import { type Context, defineCommand } from '../command.ts';
import { engineFlags, withEngine } from '../engine.ts';
import { type Flags, integer, text } from '../flags.ts';
import { dataFlag, findModel, modelFlag, runSplitFlags } from '../models.ts';
import { claimOutFolder, forceFlag, outFolderFlag } from '../outputs.ts';
import { specialFlags } from '../special.ts';

const flags = {
  model: modelFlag,
  text: text({
    about: 'text whose attention and losses are shown',
    short: 't',
    initial: 'the start of the validation part',
  }),
  data: { ...dataFlag, initial: 'the text of the run; without one, the activations are those of --text' },
  ...runSplitFlags,
  out: {
    ...outFolderFlag,
    about: 'folder for pictures (PNG, SVG) and their numbers (JSON); none without it',
  },
  batchSize: integer({ about: 'sequences to look at the activations with', initial: '16' }, 1, 4096),
  seed: integer({ about: 'decides which sequences', initial: '1337' }, 0),
  force: forceFlag,
  ...specialFlags,
  ...engineFlags,
} satisfies Flags;

/** What was asked for. */
export type InspectFlags = Context<typeof flags>['flags'];

export const inspect = defineCommand({
  name: 'inspect',
  about: 'ReLU activations and gradients, dead units, attention maps, the loss of every token',
  examples: [
    ['inspect --model runs/first --out runs/first/inspect', 'figures here, pictures there'],
    ['inspect -m runs/first --text "To be, or not to be" --out look', 'attention and losses of this text'],
    ['inspect -m runs/first --json', 'the numbers as one JSON document'],
  ],
  flags,
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    if (given.out !== undefined) await claimOutFolder(given.out, given.force);
    const store = await findModel(given.model, output);
    await withEngine(given, output, async (backend) => {
      // Drawing takes libraries that take half a second to load: only this command waits for them.
      const { inspectModel } = await import('../inspection.ts');
      await inspectModel(store, backend, given, output);
    });
  },
});
