// `inkhorn import`: a model, or a tokenizer, of another program as a folder of ours.
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { formatAmount, formatBytes, formatShort } from '../../base/format.ts';
import { shellWord } from '../../base/shell.ts';
import { type Imported, importModel, importTokenizer } from '../../exchange/import.ts';
import { folderStore, NO_SUCH_FILE, reason } from '../../io/node-store.ts';
import type { Store } from '../../io/store.ts';
import { TOKENIZER_FILE, tokenizerFiles } from '../../model/folder.ts';
import { countShapes } from '../../model/shapes.ts';
import { runModel } from '../../runs/open.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { type Context, defineCommand } from '../command.ts';
import { misuse } from '../errors.ts';
import { type Flags, text } from '../flags.ts';
import { forceFlag, outFolderFlag, refuseModelFolder, refuseRun, takeOutFolder } from '../out-folder.ts';
import type { Output } from '../output.ts';
import { createProgress } from '../progress.ts';
import { tiktokenFlags } from '../tiktoken.ts';
import { openTokenizer } from '../tokenizers.ts';

const flags = {
  out: outFolderFlag,
  tokenizer: text({
    about: 'the tokenizer of the model, where there is none beside it: a file or folder',
    argument: '<path>',
    short: 't',
  }),
  ...tiktokenFlags,
  force: forceFlag,
} satisfies Flags;

type Given = Context<typeof flags>['flags'];

export const importCommand = defineCommand({
  examples: [
    ['import gpt2 --out my-gpt2', 'a folder of Hugging Face: GPT-2 or Arcee'],
    ['import nanoGPT/out/ckpt.pt -t gpt2 -o mine', "nanoGPT's checkpoint, with the tokenizer of that folder"],
    [
      'import basic.model -o tokenizer',
      "minbpe's tokenizer, for `train --tokenizer tokenizer/tokenizer.json`",
    ],
    ['import o200k_base.tiktoken -o tokenizer', 'a .tiktoken file; of one of your own also the --pattern'],
  ],
  flags,
  meant: () => '--out',
  async run({ args: [path], flags: given, output }: Context<typeof flags>): Promise<void> {
    const { out } = given;
    if (out === undefined) throw misuse('--out is missing: name the folder to write');
    const source = await placeOf(path);
    if (source.file === undefined && (await runModel(source.store).catch(() => null)))
      throw misuse(`${path} is a run of Inkhorn already: every command takes it as --model`);
    await refuseModelFolder(source.store.location, out);
    const tokenizer = await tokenizerOf(path, given);
    const folder = await takeOutFolder(out, 'inkhorn import', given.force);
    const progress = createProgress(`importing ${path}`, 'bytes');
    try {
      await refuseRun(out);
      const options = { file: source.file, tokenizer, onProgress: progress.update };
      const imported = isTiktoken(path)
        ? await importTiktoken(path, out, given)
        : await importModel(source.store, folderStore(out), options);
      progress.end();
      show(out, imported, output);
    } finally {
      progress.end();
      folder.release();
    }
  },
});

/** A folder, or a file in one. `flag`: the one that names it, for errors. */
async function placeOf(path: string, flag = ''): Promise<{ store: Store; file?: string }> {
  const kind = await stat(path).catch((error) => {
    const why = reason(error);
    throw misuse(`${flag}${path}: ${why === NO_SUCH_FILE ? 'there is no such file or folder' : why}`);
  });
  if (kind.isDirectory()) return { store: folderStore(path) };
  return { store: folderStore(dirname(path)), file: basename(path) };
}

/** A .tiktoken file begins like any text, so that its name tells. */
function isTiktoken(path: string | undefined): path is string {
  return path?.endsWith('.tiktoken') === true;
}

/** The tokenizer of a .tiktoken file, which has no pattern and no special tokens: flags say them. */
async function importTiktoken(path: string, out: string, extras: Given): Promise<Imported> {
  const tokenizer = await openTokenizer(path, extras);
  const files = new Map(tokenizerFiles(tokenizer));
  await folderStore(out).writeAll(files);
  return { from: 'tiktoken', tokenizer, config: null, files, notes: [] };
}

/** The tokenizer of --tokenizer: of any format that can be imported, or a .tiktoken file with its flags. */
async function tokenizerOf(source: string, given: Given): Promise<Tokenizer | undefined> {
  const { tokenizer: path, ...extras } = given;
  if (path !== undefined && isTiktoken(source))
    throw misuse(`${source} is a tokenizer itself: leave out --tokenizer`);
  if (isTiktoken(path)) return openTokenizer(path, extras);
  if ((extras.pattern ?? extras.special) && !isTiktoken(source))
    throw misuse('--pattern and --special belong to a .tiktoken file: import it, or give it as --tokenizer');
  if (path === undefined) return undefined;
  const { store, file } = await placeOf(path, '--tokenizer ');
  return (await importTokenizer(store, { file })).tokenizer;
}

function show(out: string, { from, config, tokenizer, files, notes }: Imported, output: Output): void {
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  output.data({ from, out, config, vocabSize: tokenizer.vocabSize, files: [...files.keys()], bytes, notes });
  for (const note of notes) output.note(note);
  const size = config ? `${formatShort(countShapes(config))} parameters, ` : '';
  const tokens = formatAmount(tokenizer.vocabSize, 'token');
  output.print(`${out}: ${from}, ${size}${tokens}; ${[...files.keys()].join(', ')}, ${formatBytes(bytes)}`);
  const next = config
    ? `generate --model ${shellWord(out)}`
    : `train --tokenizer ${shellWord(join(out, TOKENIZER_FILE))}`;
  output.note(`next: \`inkhorn ${next}\``);
}
