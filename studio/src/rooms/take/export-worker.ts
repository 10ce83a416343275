// Writes a model in the formats of other programs, in a thread of its own, which ends with its answer: so it
// waits for no training, and its memory is free again.
import { load, memoryStore, type Store, useBackend } from 'inkhorn';
import { archiveOf } from 'inkhorn/browser';
import {
  checkExport,
  type ExportOptions,
  exportFiles,
  exportModel,
  type TargetFacts,
  type TargetName,
  targetFacts,
} from 'inkhorn/exchange';

/** What is asked of it: what can be said of a model, or a file. */
export interface Ask {
  /** The files of a model folder; for `options` null, those besides the weights. */
  files: ReadonlyMap<string, Uint8Array>;
  /** How to export it; null: only what can be exported. */
  options: ExportOptions | null;
  /** The name of the folder that is made. */
  folder: string;
}

/** A target, the option that it has, and each value of that with the reason why it cannot be. */
export interface Door {
  to: TargetName;
  option: keyof TargetFacts['takes'];
  values: readonly { value: string; refusal: string | null }[];
}

/** A file to download, and what its reader should know. */
export interface Made {
  file: Blob;
  notes: readonly string[];
}

export type Answer = { doors: readonly Door[] } | Made | { problem: string };

declare const self: {
  onmessage: ((event: MessageEvent<Ask>) => void) | null;
  postMessage(answer: Answer): void;
};

self.onmessage = async ({ data: { files, options, folder } }): Promise<void> => {
  try {
    const store = await storeWith(files, folder);
    self.postMessage(options ? await make(store, options, folder) : { doors: await doorsOf(store) });
  } catch (error) {
    self.postMessage({ problem: reason(error) });
  }
};

async function storeWith(files: Ask['files'], name: string): Promise<Store> {
  const store = memoryStore(name);
  for (const [file, bytes] of files) await store.write(file, bytes);
  return store;
}

/** Targets for models and for their tokenizers; those of adapters need another file. */
async function doorsOf(store: Store): Promise<Door[]> {
  const doors: Door[] = [];
  for (const [to, { from, takes }] of Object.entries(targetFacts) as [TargetName, TargetFacts][]) {
    if (from === 'adapter') continue;
    for (const [option, values] of Object.entries(takes) as [Door['option'], readonly string[]][])
      doors.push({
        to,
        option,
        values: await Promise.all(
          values.map(async (value) => ({
            value,
            refusal: await checkExport(store, { to, [option]: value }).then(() => null, reason),
          })),
        ),
      });
  }
  return doors;
}

async function make(store: Store, options: ExportOptions, folder: string): Promise<Made> {
  const { backend } = await useBackend('reference'); // nothing is multiplied
  const contents = await load(store, { backend });
  if (targetFacts[options.to].makes === 'folder') {
    const made = memoryStore(folder);
    const { notes } = await exportModel(made, contents, options);
    return { file: await archiveOf(made, folder), notes };
  }
  const { files, notes } = await exportFiles(contents, options);
  const [bytes] = files.values();
  return { file: new Blob([bytes as Uint8Array<ArrayBuffer>]), notes };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
