// The code blocks of a chapter: finds them, runs them as one file, and returns their outputs. Read next:
// docs.test.ts.
import { spawnSync } from 'node:child_process';

/** A fenced block of code, and the `text` block beneath it that holds what it prints. */
export interface Block {
  language: string;
  code: string;
  /** The output beneath it; null where there is none. */
  output: string | null;
  /** The place of the output in the chapter, without its fences. */
  from: number;
  to: number;
}

/** The `ts` and `sh` blocks of a chapter in Markdown, in order. */
export function blocksOf(chapter: string): Block[] {
  const blocks: Block[] = [];
  for (const found of chapter.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
    const [, language, code] = found;
    const from = found.index + language.length + 4; // after ```language and the end of that line
    const last = blocks.at(-1);
    if (language !== 'text') blocks.push({ language, code, output: null, from: 0, to: 0 });
    else if (last?.output === null) Object.assign(last, { output: code, from, to: from + code.length });
    else throw new Error(`a text block with no code above it:\n${code}`);
  }
  return blocks;
}

/** Printed between two blocks of a chapter. */
const MARK = '\u001e';

/** The `ts` blocks as one module, which prints a mark before each. */
export function moduleOf(blocks: readonly Block[]): string {
  const parts = blocks.map(({ code }) => `console.log('${MARK}');\n${code}`);
  return `${parts.join('\n')}\nexport {};\n`;
}

/** Runs the module in `file` and returns the output of each block. Throws with its error where it fails. */
export function runModule(file: string, folder: string): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} failed after printing\n${stdout}\n${stderr}`);
  return stdout.split(`${MARK}\n`).slice(1);
}

/**
 * Runs an `sh` block, with `main` as the command `inkhorn`, and returns its output. Throws with its error
 * where it fails.
 */
export function runShell(code: string, main: string, folder: string): string {
  const shortened = code.split('\n').map(shorten).join('\n');
  const script = shortened.replace(/(^|\| )npx inkhorn/gm, `$1"${process.execPath}" "${main}"`);
  const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', script], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${code}failed:\n${stdout}\n${stderr}`);
  return stdout;
}

/** Training and comparisons take a reader a minute. Here they are cut to seconds, on any engine. */
const SHORTER: Readonly<Record<string, string>> = {
  train:
    '--steps 20 --warmup 2 --batch-size 2 --n-embd 64 --n-head 4 --block-size 32 ' +
    '--eval-method sampled --eval-batches 1 --eval-every 10 --probe-every 10',
  quantize: '--max-tokens 64 --speed-tokens 2',
};

function shorten(line: string): string {
  const flags = SHORTER[line.match(/^npx inkhorn (\w+)/)?.[1] ?? ''];
  return flags === undefined ? line : `${line.replace(/ --steps \d+/, '')} ${flags}`;
}
