// Ctrl-C, once and twice, while a command computes: it must end at once, and not only when its work is done.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { assertEnded, end, folder, inkhorn, pause, root, trial, writeText } from './support/trial.mjs';

/**
 * Seconds until a command must have ended. It takes about one; the limit allows for a busy machine.
 */
const LIMIT_SECONDS = 30;

const SHIPPED = join(root, 'models', 'shakespeare');
const large = writeText('large.txt', 20_000_000);
const text = ['--data', writeText('text.txt', 1_500_000)];
// Commands that work for minutes on the bundled model. `true`: run on both engines.
const COMMANDS = [
  [['tokenizer', 'train', '--data', large, '--vocab-size', '30000', '--out', join(folder, 'tokenizer.json')]],
  [['tokenizer', 'encode', '--file', large]],
  [['eval', ...text, '--split', 'all'], true],
  [['quantize', ...text, '--bits', '4', '--max-tokens', '1000000', '--out', join(folder, 'int4')], true],
  [['inspect', ...text, '--out', join(folder, 'inspect')], true],
  [['compare', SHIPPED, SHIPPED, ...text, '--max-tokens', '1000000'], true],
  [['bench'], true],
];

for (const [args, computes] of COMMANDS) {
  for (const engine of computes ? ['reference', 'native'] : [null]) {
    for (const times of [1, 2]) {
      const on = engine === null ? '' : ` on ${engine}`;
      const name = `Ctrl-C ${times === 1 ? 'once' : 'twice'}: ${args.slice(0, args[0] === 'tokenizer' ? 2 : 1).join(' ')}${on}`;
      await trial(name, () =>
        interrupted([...args, ...(engine === null ? [] : ['--backend', engine])], times),
      );
    }
  }
}
end();

async function interrupted(args, times) {
  const { child, ended, says } = inkhorn(args);
  if (args.includes('--backend')) await says(/^engine: /m);
  const early = await Promise.race([ended, pause(3000)]);
  assert.equal(early, undefined, `it ended before it could be interrupted: ${early?.code} ${early?.err}`);
  const begun = performance.now();
  child.kill('SIGINT');
  if (times === 2) {
    await pause(300);
    child.kill('SIGINT');
  }
  assertEnded(await ended, 'SIGINT', 130);
  const seconds = (performance.now() - begun) / 1000;
  assert.ok(seconds < LIMIT_SECONDS, `it took ${seconds.toFixed(1)} s`);
  return `${seconds.toFixed(1)} s`;
}
