// A model as a file for another program: asked of a worker, which ends with its answer.
import type { Answer, Ask, Door } from './export-worker.ts';
import { filesOf, folderOf, handOver } from './packing.ts';

export type { Door } from './export-worker.ts';

/** What the model can be exported to, and the reasons against the rest. */
export async function doorsFor(model: string): Promise<readonly Door[]> {
  const files = await filesOf(model, ['config.json', 'tokenizer.json']);
  const answer = await asked({ files, options: null, folder: folderOf(model) });
  return 'doors' in answer ? answer.doors : [];
}

/** The name of the file that is downloaded. */
export function nameOfExport(model: string, { to }: Pick<Door, 'to'>, value: string): string {
  const folder = folderOf(model);
  if (to === 'tokenizer') return `${folder}${ENDINGS[value]}`;
  if (to === 'gguf' || to === 'safetensors') return `${folder}-${value}.${to}`;
  return `${folder}-${to}-${value}.zip`;
}

const ENDINGS: Readonly<Record<string, string>> = {
  json: '-tokenizer.json',
  tiktoken: '.tiktoken',
  minbpe: '.model',
};

/** Makes the file and hands it over. Returns what its reader should know, a line each. */
export async function downloadExport(
  model: string,
  { to, option }: Door,
  value: string,
): Promise<readonly string[]> {
  const files = await filesOf(model);
  const name = nameOfExport(model, { to }, value);
  const folder = name.replace(/\.zip$/, '');
  const answer = await asked({ files, options: { to, [option]: value }, folder });
  if (!('file' in answer)) return [];
  handOver(name, answer.file);
  return answer.notes;
}

/** Rejects with what is wrong with the model, and where memory is too short for it. */
function asked(ask: Ask): Promise<Exclude<Answer, { problem: string }>> {
  const worker = new Worker(new URL('./export-worker.ts', import.meta.url), { type: 'module' });
  return new Promise<Exclude<Answer, { problem: string }>>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>): void => {
      if ('problem' in data) reject(new Error(data.problem));
      else resolve(data);
    };
    worker.onerror = ({ message }): void =>
      reject(new Error(`the model cannot be exported: ${message || 'is the page online?'}`));
    worker.postMessage(
      ask,
      [...ask.files.values()].map(({ buffer }) => buffer as ArrayBuffer),
    );
  }).finally(() => worker.terminate());
}
