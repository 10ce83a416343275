// From files to documents: reads each file once, checks that it is text, and joins them.

import { resolve } from 'node:path';
import { formatAmount } from '../base/format.ts';
import { checkText, type Identify, type Remark } from '../text/check.ts';
import type { Fix, Problem } from '../text/problem.ts';
import type { Corpus, CorpusOptions } from './corpus.ts';
import { checkLength, type ReadOptions, readBytes, STDIN, sizeOf, throughCommand } from './local.ts';

/** Thrown for files that are not text. */
export class NotText extends Error {
  override name = 'NotText';
  /** What the files are, and how to make text of them. */
  readonly finding: string;

  constructor(finding: string) {
    super(`${finding}; asBytes: true takes the bytes as they are`);
    this.finding = finding;
  }
}

/** What an input stands for: files, or bytes that are already in memory. */
export type Found = { name: string; source: string } & ({ paths: readonly string[] } | { bytes: Uint8Array });

/** The result of reading: documents, empty ones included, and remarks about them. */
export interface ReadTexts {
  parts: Uint8Array[];
  remarks: string[];
}

/**
 * The documents of all inputs, in order. Throws when they are too long together, when one cannot be read,
 * when a file that was named by itself or every file is empty, and NotText when some are not text.
 */
export async function readAll(
  found: readonly Found[],
  {
    asBytes,
    onSize,
    onProgress,
    signal,
  }: Pick<CorpusOptions, 'asBytes' | 'onSize' | 'onProgress' | 'signal'>,
): Promise<ReadTexts> {
  const { texts, repeated } = eachOnce(found);
  let total = texts.length - 1; // the line feeds between the documents
  for (const { path, bytes } of texts) total += bytes?.length ?? (await sizeOf(path));
  checkLength(
    found.map(({ source }) => source).join(', '),
    total,
    texts.map(({ path }) => path),
  );
  onSize?.(total);
  const checks = makeChecks(texts.length);
  const parts: Uint8Array[] = [];
  let read = 0;
  for (const { path, bytes, alone } of texts) {
    const onRead = (done: number): void => onProgress?.(read + done, total);
    const raw = bytes ?? (await readBytes(path, { onRead, signal }));
    read += raw.length;
    if (raw.length === 0 && alone) throw new Error(`${nameOf(path)} is empty: a corpus needs text`);
    parts.push(asBytes || bytes ? raw : await checks.take(path, raw));
  }
  checks.refuse();
  if (parts.every(({ length }) => length === 0))
    throw new Error(`every file of ${found[0].source} is empty: a corpus needs text`);
  const again = repeated > 0 ? [`${formatAmount(repeated, 'file')} named more than once: taken once`] : [];
  return { parts, remarks: [...again, ...checks.remarks()] };
}

/**
 * One file, or standard input, as a text that may be empty. Throws when it cannot be read, and NotText when
 * it is not text.
 */
export async function readText(
  path: string,
  { asBytes, ...options }: ReadOptions & Pick<CorpusOptions, 'asBytes'> = {},
): Promise<Pick<Corpus, 'bytes' | 'remarks'>> {
  const raw = await readBytes(path, options);
  return asBytes ? { bytes: raw, remarks: [] } : checkedText(path, raw);
}

/**
 * The text of the bytes `raw` read from `path`, with remarks about it. Throws NotText when it is not text.
 */
export async function checkedText(path: string, raw: Uint8Array): Promise<Pick<Corpus, 'bytes' | 'remarks'>> {
  const checks = makeChecks(1);
  const bytes = await checks.take(path, raw);
  checks.refuse();
  return { bytes, remarks: checks.remarks() };
}

/** One file, or bytes given by an input. `alone`: this was the only input named. */
export interface Text {
  path: string;
  bytes?: Uint8Array;
  alone: boolean;
}

/** Every file at the first place where it is named, and the number of repetitions. */
export function eachOnce(found: readonly Found[]): { texts: Text[]; repeated: number } {
  const seen = new Set<string>();
  const texts: Text[] = [];
  let repeated = 0;
  for (const input of found) {
    const paths = 'paths' in input ? input.paths : [input.source];
    for (const path of paths) {
      const place = path === STDIN ? STDIN : resolve(path);
      if (seen.has(place)) repeated++;
      else texts.push({ path, alone: paths.length === 1, ...('bytes' in input && { bytes: input.bytes }) });
      seen.add(place);
    }
  }
  return { texts, repeated };
}

/** The most files named in a message. */
const NAMED = 3;

/** Collects the problems and remarks of the files while they are checked, and reports them at the end. */
function makeChecks(all: number): {
  take(path: string, bytes: Uint8Array): Promise<Uint8Array>;
  refuse(): void;
  remarks(): string[];
} {
  const problems: { path: string; problem: Problem }[] = [];
  const remarks = new Map<string, { name: string; remark: Remark }[]>();
  return {
    async take(path, bytes) {
      const name = nameOf(path);
      const checked = await checkText(bytes, identify);
      if ('problem' in checked) {
        problems.push({ path, problem: checked.problem });
        return new Uint8Array(0);
      }
      const { remark } = checked;
      if (remark) remarks.set(remark.kind, [...(remarks.get(remark.kind) ?? []), { name, remark }]);
      return checked.bytes;
    },
    refuse() {
      if (problems.length === 0) return;
      throw notTextOf(problems, all);
    },
    remarks: () =>
      [...remarks].map(([kind, of]) => {
        const [{ name, remark }] = of;
        return of.length === 1
          ? `${name} ${remark.detail ?? kind}`
          : `${name} and ${of.length - 1} more, each: ${kind}`;
      }),
  };
}

/** The error about files that are not text, of `all` files. */
export function notTextOf(problems: readonly { path: string; problem: Problem }[], all: number): NotText {
  const named = problems.slice(0, NAMED);
  const shown = named.map(({ path, problem }) => `${nameOf(path)} ${problem.what}`);
  const more = problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [];
  const share = all > 1 ? `${problems.length} of ${formatAmount(all, 'file')} cannot be taken as text: ` : '';
  const [fix] = named.flatMap(({ path, problem }) => (problem.fix ? fixOf(problem.fix, path) : []));
  return new NotText(`${share}${[...shown, ...more].join('; ')}${fix ? `: ${fix}` : ''}`);
}

/** Loads its libraries only for bytes that are not text. */
export const identify: Identify = async (bytes, damage) =>
  (await import('./identify.ts')).identify(bytes, damage);

/** `convert it: iconv -f CP037 -t UTF-8 a.txt > a.utf8.txt` */
function fixOf({ what, command }: Fix, path: string): string {
  return command ? `${what}: ${throughCommand(command.line, path, command.kind)}` : what;
}

function nameOf(path: string): string {
  return path === STDIN ? 'standard input' : path;
}
