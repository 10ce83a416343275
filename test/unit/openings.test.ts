// The prompts that the demo suggests come from the text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadCorpus } from '../../src/corpora/index.ts';
import { openings } from '../../src/corpora/openings.ts';

test('openings are the most frequent ones of paragraphs', () => {
  const play = 'KING:\nCome.\n\nFOOL:\nNo.\n\nKING:\nWhy?\nWhy?\nWhy?\n\nKING:\nGo.\n\nFOOL:\nNo.\n';
  assert.deepEqual(openings(play, 2), ['KING:', 'FOOL:']);
  assert.deepEqual(openings(play.replaceAll('\n', '\r\n'), 2), ['KING:', 'FOOL:']);
});

test('openings are those of lines in a text without paragraphs, words of long ones, characters of one long word', () => {
  assert.deepEqual(openings('The whale swam all around the ship\nThe whale sang all around the ship', 5), [
    'The whale',
  ]);
  assert.deepEqual(openings('acgt'.repeat(20), 2), ['acgtacgtacgt']);
  assert.deepEqual(openings('吾輩は猫である。'.repeat(9), 1), ['吾輩は猫である。吾輩は猫']);
});

test('nothing is an opening that a shell or a reader could not take', () => {
  for (const text of ['', '\n\n\n', '---\n\n- item\n\n-x', '\u0001a\n\n\u001b[2J\n\n\uFFFDx', '***\n* *'])
    assert.deepEqual(openings(text, 3), []);
});

test('those of a text are in the text', async () => {
  const moby = (await loadCorpus('moby-dick')).text();
  const sources = [moby, readFileSync('README.md', 'utf8')];
  for (const text of sources)
    for (const opening of openings(text, 4)) assert.ok(text.includes(opening), opening);
  assert.ok(!openings(moby, 4).includes('KING:'));
});
