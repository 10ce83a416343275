// The source of `generate`'s prompt: --prompt, --prompt-file, or standard input if something is sent there.
import { fstatSync } from 'node:fs';
import { checkedText, STDIN } from '../corpora/index.ts';
import { decodeText } from '../tokenizer/utf8.ts';
import { asked, misuse } from './errors.ts';
import { type Flags, text, type Values } from './flags.ts';
import type { Output } from './output.ts';
import { openText } from './texts.ts';

export const promptFlags = {
  prompt: text({
    about: 'text to go on from; - waits for standard input',
    short: 'p',
    initial: 'standard input, if something is sent there',
  }),
  promptFile: text({ about: 'file with the text to go on from', argument: '<file>' }),
} satisfies Flags;

/** How long a pipe without data is waited for: nobody may ever write to it, as in scheduled jobs. */
const PATIENCE_MS = 2000;

/**
 * The prompt, without the line break at its end (from an editor or `echo`); undefined if there is none.
 */
export async function readPrompt(
  { prompt, promptFile }: Values<typeof promptFlags>,
  output: Output,
): Promise<string | undefined> {
  if (prompt !== undefined && promptFile !== undefined)
    throw misuse('--prompt and --prompt-file are both given: which one?');
  if (promptFile !== undefined) return readWords(promptFile, '--prompt-file', output);
  if (prompt !== undefined && prompt !== STDIN) return prompt;
  if (prompt === STDIN && process.stdin.isTTY)
    throw misuse(
      '--prompt -: standard input is a terminal: send a text, as in `echo ROMEO | inkhorn generate`',
    );
  if (prompt !== STDIN && !mayHoldText()) return undefined;
  const bytes = await readInput(prompt === STDIN, output);
  if (bytes === null || bytes.length === 0) return undefined;
  const { bytes: checked, remarks } = await asked(() => checkedText(STDIN, bytes));
  for (const remark of remarks) output.note(remark);
  return textOf(checked);
}

/** The text of a file for a model to read, without the line break at its end. */
export async function readWords(path: string, flag: string, output: Output): Promise<string> {
  return textOf(await openText(path, flag, output, null));
}

function textOf(bytes: Uint8Array): string {
  return decodeText(bytes).replace(/\r?\n$/, '');
}

/** Whether standard input is a file, or an open pipe: not a terminal, not /dev/null. */
function mayHoldText(): boolean {
  try {
    const kind = fstatSync(0);
    return (kind.isFile() || kind.isFIFO() || kind.isSocket()) && !process.stdin.readableEnded;
  } catch {
    return false; // closed
  }
}

/**
 * All input until its end; null if nothing arrived at first and nobody asked to wait for it.
 */
function readInput(wait: boolean, output: Output): Promise<Uint8Array | null> {
  const { stdin } = process;
  const parts: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const finish = (bytes: Uint8Array | null): void => {
      clearTimeout(timer);
      stdin.destroy(); // an open pipe would keep the process alive
      resolve(bytes);
    };
    const timer = setTimeout(() => {
      if (wait || parts.length > 0) output.note('waiting for the end of standard input, which is the prompt');
      else {
        output.note('no prompt came on standard input: starting without one (--prompt - waits for it)');
        finish(null);
      }
    }, PATIENCE_MS);
    stdin.on('data', (part: Buffer) => parts.push(part));
    stdin.once('end', () => finish(Buffer.concat(parts)));
    stdin.once('error', (error) => {
      clearTimeout(timer);
      reject(misuse(`cannot read standard input: ${error.message}`));
    });
  });
}
