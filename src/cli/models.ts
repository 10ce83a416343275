// Models, runs and texts as commands take them: `--model DIR` and `--data SPEC`.

import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Backend } from '../backend/contract.ts';
import { type Corpus, loadCorpus } from '../corpora/index.ts';
import { loadModel, type ModelFolder } from '../model/folder.ts';
import { folderStore } from '../platform/node-store.ts';
import type { DataRecord } from '../train/checkpoint.ts';
import { modelStore } from '../train/run-folder.ts';
import { asked, misuse } from './errors.ts';
import { text } from './flags.ts';

export const modelFlag = text({
  about: 'model folder, or run folder (its best checkpoint)',
  argument: '<dir>',
  short: 'm',
});

export const dataFlag = text({
  about: 'text: a file, a folder of .txt, or tiny-shakespeare or moby-dick',
  argument: '<spec>',
  short: 'd',
});

/** Loads a model from a model folder or a run. A path that does not exist is a misuse; a damaged folder is a failure. */
export async function openModel(
  path: string | undefined,
  backend: Backend,
): Promise<ModelFolder & { path: string }> {
  if (path === undefined) throw misuse('--model is missing: name a model folder or a run folder');
  await access(path).catch(() => {
    throw misuse(`--model ${path}: there is no such folder`);
  });
  const store = await asked(() => modelStore(folderStore(path)));
  return { ...(await loadModel(store, { backend })), path: store.location };
}

/** Loads the text that `spec` stands for. */
export async function openData(spec: string | undefined, signal: AbortSignal): Promise<Corpus> {
  if (spec === undefined)
    throw misuse('--data is missing: a file, a folder of .txt, or a name (see `inkhorn data`)');
  return asked(() => loadCorpus(spec, { signal }));
}

/** What a run remembers of its text. */
export function dataRecord(spec: string, { name, bytes }: Corpus, trainFraction: number): DataRecord {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { spec, name, bytes: bytes.length, sha256, trainFraction };
}
