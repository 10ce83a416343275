// The folder of a run as a trial sees it: intact or torn, and what is in it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './trial.mjs';

const from = (path) => import(join(root, 'dist', 'src', `${path}.js`));
const [{ createReference }, { loadModel }, { folderStore }, { hasCheckpoint, loadCheckpoint }, { readRun }] =
  await Promise.all(
    ['backend/reference/index', 'model/folder', 'io/node-store', 'runs/checkpoint', 'runs/read'].map(from),
  );

/** Whether a run has a checkpoint to resume from. */
export function resumable(run) {
  return hasCheckpoint(folderStore(run).folder('last'));
}

/**
 * Reads everything in a run's folder, as the commands do. Throws where anything is torn. Returns the models.
 */
export async function assertWhole(run) {
  const models = [];
  for (const name of ['best', 'int8']) {
    const store = folderStore(run).folder(name);
    if (!(await store.exists('config.json'))) continue;
    const { model } = await loadModel(store, { backend: createReference() });
    models.push(`${name}/`);
    model.dispose();
  }
  if (await resumable(run)) {
    const store = folderStore(run).folder('last');
    const { model, resume, history } = await loadCheckpoint(store, { backend: createReference() });
    const steps = history.filter(({ type }) => type === 'step').map(({ step }) => step);
    assert.deepEqual(
      steps,
      Array.from({ length: resume.step }, (_, i) => i + 1),
      'history and weights of last/ are of one step',
    );
    models.push(`last/ at step ${resume.step}`);
    model.dispose();
  }
  if (existsSync(join(run, 'history.json'))) await readRun(folderStore(run));
  return models.join(', ') || 'nothing yet';
}

/** The events of a finished run. */
export function eventsOf(run) {
  return JSON.parse(readFileSync(join(run, 'history.json'), 'utf8')).events;
}

/** Asserts that two runs have the same weights and moments, bit for bit, and the same losses. */
export function assertSameRun(run, other) {
  for (const file of ['best/model.safetensors', 'last/model.safetensors', 'last/training.safetensors'])
    assert.ok(readFileSync(join(run, file)).equals(readFileSync(join(other, file))), `${file} differs`);
  const losses = (of) =>
    eventsOf(of).flatMap(({ type, step, loss }) => (type === 'step' ? [[step, loss]] : []));
  assert.deepEqual(losses(run), losses(other));
}
