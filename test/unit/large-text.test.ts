// The recipe for a large text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forText } from '../../src/cli/large-text.ts';
import type { Output } from '../../src/cli/output.ts';
import { recipes } from '../../src/train/settings.ts';

test('a large text that is read once gets less weight decay and every window once; what was chosen stays', () => {
  const notes: string[] = [];
  const output = { note: (line: string) => notes.push(line) } as unknown as Output;
  const recipe = recipes.shakespeare; // 1,600 steps of 16 windows
  const large = { tokens: 1600 * 16 * 1000, blockSize: 1000 };
  const better = { weightDecay: 0.1, sampling: 'epochs', evalMethod: 'auto' };
  assert.deepEqual(forText(recipe, {}, large, output), { ...recipe, ...better });
  assert.equal(
    notes[0],
    'a large text (25.6M tokens, read 1 times): --eval-method auto --weight-decay 0.1 --sampling epochs; ' +
      'the recipe is for small ones, --eval-method whole --weight-decay 1 --sampling random keeps it',
  );
  const chosen = { weightDecay: 1, evalMethod: 'whole' } as const;
  assert.equal(forText(recipe, chosen, large, output), recipe);
  assert.equal(forText(recipe, { sampling: 'random' }, large, output).sampling, 'random');
  assert.equal(forText({ ...recipe, bpeDropout: 0.1 }, {}, large, output).sampling, 'random');
  assert.deepEqual(forText(recipe, {}, { ...large, blockSize: 3000 }, output), {
    ...recipe,
    evalMethod: 'auto',
  });
  assert.equal(forText(recipe, {}, { tokens: 430_000, blockSize: 10 }, output), recipe);
});
