// The models that can be chosen: of the site, of runs, imported ones, and the one that is being trained.
import { opfsStore } from 'inkhorn/browser';
import { followedName } from '../followed.ts';
import { complain } from '../notices.ts';
import { isBusy, training } from '../training.ts';
import { namesOn, type Shelf } from './files.ts';
import { FOLLOWED, LIVE, SHIPPED, titleOf } from './models.ts';

/** A model by its name in the address. */
export interface ModelChoice {
  name: string;
  title: string;
}

export interface ModelGroup {
  title: string;
  models: readonly ModelChoice[];
}

/** All models, in groups. A run stands for its best checkpoint; its other checkpoints and copies follow. */
export async function listModels(): Promise<ModelGroup[]> {
  const live = isBusy() && training.value?.model ? [LIVE] : [];
  const groups = [
    { title: 'Being trained', names: live },
    { title: 'Followed', names: followedName === null ? [] : [FOLLOWED] },
    { title: 'Of this site', names: [SHIPPED] },
    { title: 'Runs', names: await namesIn('runs') },
    { title: 'Imported', names: await namesIn('models') },
  ];
  return groups
    .filter(({ names }) => names.length > 0)
    .map(({ title, names }) => ({ title, models: names.map((name) => ({ name, title: titleOf(name) })) }));
}

/**
 * `runs/whale`, `runs/whale/last`, `runs/whale/int8`, ... None where the browser gives the page no storage.
 */
async function namesIn(shelf: Shelf): Promise<string[]> {
  return readNames(shelf).catch((error) => {
    complain(error);
    return [];
  });
}

async function readNames(shelf: Shelf): Promise<string[]> {
  const names: string[] = [];
  for (const name of await namesOn(shelf)) {
    const store = opfsStore(`${shelf}/${name}`);
    const copies: string[] = [];
    for (const folder of (await store.folders?.()) ?? [])
      if (await store.folder(folder).exists('config.json')) copies.push(folder);
    const itself = copies.includes('best') || copies.includes('last') || (await store.exists('config.json'));
    if (itself) names.push(`${shelf}/${name}`);
    for (const copy of copies) if (copy !== 'best') names.push(`${shelf}/${name}/${copy}`);
  }
  return names;
}
