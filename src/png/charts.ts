// The drawing libraries, loaded only for a picture: they take longer to load than most commands take to run,
// and may be missing from an installation (optionalDependencies).
import { installCommand, packageRoot } from '../base/node-command.ts';
import { manifestIn, missingPackage } from '../base/node-packages.ts';
import type { Pictures } from '../report/write.ts';

/** What draws pictures in Node. */
export interface NodePictures extends Pictures {
  readonly toPng: (svg: string, zoom?: number) => Uint8Array;
}

/**
 * Thrown where pictures cannot be drawn. Says which packages are missing, with the command that installs
 * them.
 */
export class PicturesMissing extends Error {
  override name = 'PicturesMissing';
}

let loaded: Promise<NodePictures> | undefined;

/** Loads them, once. Rejects with PicturesMissing if they are not installed. */
export function loadPictures(): Promise<NodePictures> {
  loaded ??= load();
  return loaded;
}

/** As `loadPictures`; null, with the reason given to `onNote`, if they are not installed. */
export async function picturesIfThere(onNote: (text: string) => void): Promise<NodePictures | null> {
  try {
    return await loadPictures();
  } catch (error) {
    if (!(error instanceof PicturesMissing)) throw error;
    onNote(error.message);
    return null;
  }
}

async function load(): Promise<NodePictures> {
  try {
    const { plotting, parseHTML } = await import('./libraries.ts');
    const { toPng } = await import('./png.ts');
    // An empty page that nobody looks at.
    const { document } = parseHTML('<!doctype html><html><body></body></html>');
    return { plot: plotting, document, toPng };
  } catch (error) {
    throw new PicturesMissing(whyMissing(error as Error));
  }
}

function whyMissing(error: Error): string {
  const missing = missingPackage(error);
  if (missing === null) return `no pictures: what draws them does not load: ${error.message.split('\n')[0]}`;
  const { optionalDependencies = {} } = manifestIn(packageRoot);
  const wanted = Object.keys(optionalDependencies).filter((name) => !name.startsWith('@inkhorn/native-'));
  const packages = wanted.map((name) => `${name}@${optionalDependencies[name]}`);
  // A package of these packages: the rasteriser's for this platform.
  if (missing !== '' && !wanted.includes(missing)) packages.push(missing);
  const install = installCommand(packages, '--save-optional');
  return `no pictures: ${missing || 'a package'} is not installed; \`${install}\` brings what they need`;
}
