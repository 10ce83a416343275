// What runs differ in: their shapes, the models that they began with, their settings.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeConfig, presets } from '../../src/model/config.ts';
import { compareRuns } from '../../src/runs/compare.ts';
import { differencesOf } from '../../src/runs/differences.ts';
import { furtherSteps } from '../../src/runs/resume.ts';
import { makeSettings, recipes } from '../../src/train/settings.ts';
import { runSummary } from './runs.ts';

describe('what runs differ in', () => {
  const settings = recipes.tiny;

  test('are fields of the config and of the settings, in their order, and nothing that is the same', () => {
    const small = { ...makeConfig(presets.tiny, 300), ...settings };
    const large = {
      ...makeConfig(presets.tiny, 300, { nLayer: 4, blockSize: 32 }),
      ...makeSettings(settings, { lr: 1e-4 }),
    };
    assert.deepEqual(differencesOf([small, large]), [
      { name: 'blockSize', values: [String(small.blockSize), '32'] },
      { name: 'nLayer', values: [String(small.nLayer), '4'] },
      { name: 'lr', values: [String(settings.lr), '0.0001'] },
    ]);
    assert.deepEqual(differencesOf([small, { ...small }]), []);
    assert.deepEqual(differencesOf([small]), []);
    assert.deepEqual(differencesOf([]), []);
  });

  test('has an empty value where a run lacks the field: the model that the other began with', () => {
    assert.deepEqual(differencesOf([{ ...settings }, { from: 'runs/whole', ...settings }]), [
      { name: 'from', values: ['', 'runs/whole'] },
    ]);
  });

  test('compares what lists and records contain', () => {
    const of = (freeze: readonly string[]) => ({ freeze, betas: { first: freeze.length } });
    assert.deepEqual(differencesOf([of(['head']), of(['head'])]), []);
    assert.deepEqual(differencesOf([of(['head']), of([])]), [
      { name: 'freeze', values: ['["head"]', '[]'] },
      { name: 'betas', values: ['{"first":1}', '{"first":0}'] },
    ]);
  });

  test('names the model that a run went on from in reports of several', () => {
    const { differences } = compareRuns([runSummary(), runSummary({ folder: 'b', start: 'shakespeare' })]);
    assert.deepEqual(differences, [{ name: 'from', values: ['', 'shakespeare'] }]);
  });
});

test('a run that is done goes on for as many steps again', () => {
  assert.equal(furtherSteps(30), 60);
});
