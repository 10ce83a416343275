// `inkhorn export`: a model, or its tokenizer, in the format of another program.
import { extname } from 'node:path';
import { formatBytes } from '../../base/format.ts';
import {
  type ExportOptions,
  exportFields,
  exportFiles,
  type TargetName,
  targetNames,
  targetOf,
  targets,
  writeExported,
} from '../../exchange/export.ts';
import type { TokenizerFormat } from '../../exchange/options.ts';
import type { Exported } from '../../exchange/target.ts';
import { formatEndings } from '../../exchange/tokenizer/write.ts';
import { folderStore } from '../../io/node-store.ts';
import { loadConfig, loadTokenizer } from '../../model/folder.ts';
import { createBackend } from '../../platform/node-engines.ts';
import { type Context, defineCommand } from '../command.ts';
import { asked, misuse } from '../errors.ts';
import { type Flags, flagOf, text } from '../flags.ts';
import { chosenFlags, type FoundModel, findCheckpoint, openModel } from '../models.ts';
import {
  claimOutFile,
  forceFlag,
  refuseModelFile,
  refuseModelFolder,
  refuseRun,
  takeOutFolder,
  writeOutFile,
} from '../out-folder.ts';
import type { Output } from '../output.ts';

const flags = {
  ...chosenFlags,
  to: flagOf(exportFields, 'to'),
  out: text({ about: 'the folder or file to write', argument: '<path>', short: 'o' }),
  dtype: flagOf(exportFields, 'dtype', { initial: 'float32' }),
  type: flagOf(exportFields, 'type', { initial: 'F32 for gguf, for onnx what the model has' }),
  force: forceFlag,
} satisfies Flags;

type Given = Context<typeof flags>['flags'];

export const exportCommand = defineCommand({
  examples: [
    ['export -m runs/first --to hf -o first-hf', 'a folder for transformers'],
    ['export -m runs/first --to hf -o first-hf --dtype bfloat16', 'in half the bytes'],
    ['export -m runs/first --to gguf -o first.gguf --type Q8_0', 'a file for llama.cpp, in 8 bits'],
    [
      'export -m runs/first --to onnx -o first-onnx --type int8',
      'a folder for transformers.js, in pages too',
    ],
    ['export --adapter runs/poems --to peft -o poems', 'an adapter alone, for PEFT'],
    ['export -m runs/first --to safetensors -o first.safetensors', 'one file with everything'],
    [
      'export -m runs/first --to tokenizer -o first.tiktoken',
      'the tokenizer; or .json, or .model for minbpe',
    ],
  ],
  flags,
  meant: () => '--model',
  async run({ flags: given, output }: Context<typeof flags>): Promise<void> {
    const { to, out } = given;
    if (to === undefined) throw misuse(`--to is missing: ${targetLines()}`);
    if (out === undefined) throw misuse(`--out is missing: name the ${targets[to].makes} to write`);
    const { from } = targets[to];
    if (given.adapter !== undefined && from === 'tokenizer')
      throw misuse(`--adapter has no effect with --to ${to}, which has no weights`);
    if (given.adapter === undefined && from === 'adapter')
      throw misuse(
        `--adapter is missing: --to ${to} writes what \`train --lora 8 --keep-adapter\` saved apart`,
      );
    const choices = optionsOf(to, out, given);
    if (from !== 'adapter') await asked(() => targetOf(choices));
    const found = await findCheckpoint(given, output);
    const options = from === 'adapter' ? { ...choices, adapter: found.adapter } : choices;
    await asked(() => targetOf(options));
    const { store } = found;
    if (targets[to].makes === 'folder') {
      await refuseModelFolder(store.location, out);
      const folder = await takeOutFolder(out, 'inkhorn export', given.force);
      try {
        await refuseRun(out);
        const exported = await exportedFrom(found, options, output);
        await writeExported(folderStore(out), exported.files);
        show(out, exported, options, output);
      } finally {
        folder.release();
      }
      return;
    }
    await refuseModelFile(store.location, out);
    await claimOutFile(out, given.force);
    const exported = await exportedFrom(found, options, output);
    for (const bytes of exported.files.values()) await writeOutFile(out, bytes);
    show(out, exported, options, output);
  },
});

/** The options of the library, of which the ending of a file may be one. */
function optionsOf(to: TargetName, out: string, { dtype, type }: Given): ExportOptions {
  return { to, dtype, type, ...(to === 'tokenizer' && { format: formatOf(out) }) };
}

/** The format of a tokenizer's file, by its ending. */
function formatOf(file: string): TokenizerFormat {
  const ending = extname(file);
  const formats = Object.entries(formatEndings) as [TokenizerFormat, string][];
  const [format] = formats.find(([, known]) => known === ending) ?? [];
  if (format !== undefined) return format;
  const known = formats.map(([name, one]) => `${one} (${name})`).join(', ');
  throw misuse(`--out ${file}: the ending says in which format a tokenizer is written: ${known}`);
}

/** Reads the model, or its tokenizer alone, and makes the files. */
async function exportedFrom(found: FoundModel, options: ExportOptions, output: Output): Promise<Exported> {
  const { store } = found;
  const target = targets[options.to];
  if (target.from === 'tokenizer') {
    const tokenizer = await loadTokenizer(store);
    return asked(() => target.build(tokenizer, options));
  }
  const config = await loadConfig(store);
  await asked(() => target.check(config, options)); // before the weights are read
  const { backend } = await createBackend('reference');
  const whole = target.from === 'model' ? found : { ...found, adapter: undefined }; // not merged
  const contents = await openModel(whole, backend, output);
  return asked(() => exportFiles(contents, options));
}

function show(out: string, { files, notes }: Exported, options: ExportOptions, output: Output): void {
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const { adapter: _, ...said } = options;
  output.data({ ...said, out, files: [...files.keys()], bytes, notes });
  for (const note of notes) output.note(note);
  const { makes } = targets[options.to];
  output.print(
    `${out}: ${makes === 'folder' ? `${[...files.keys()].join(', ')}, ` : ''}${formatBytes(bytes)}`,
  );
}

function targetLines(): string {
  return targetNames.map((name) => `${name} (${targets[name].about})`).join('; ');
}
