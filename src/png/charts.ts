// The drawing libraries, loaded only for a picture: they take longer to load than most commands take to run,
// and may be missing from an installation (optionalDependencies).
import type { Pictures } from '../report/write.ts';

/** Packages that pictures need: the optionalDependencies of package.json. */
export const PICTURE_PACKAGES = ['@observablehq/plot', '@resvg/resvg-js', 'dejavu-fonts-ttf', 'linkedom'];

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
    const [plot, { parseHTML }, { toPng }] = await Promise.all([
      import('@observablehq/plot'),
      import('linkedom'),
      import('./png.ts'),
    ]);
    // An empty page that nobody looks at.
    const { document } = parseHTML('<!doctype html><html><body></body></html>');
    return { plot, document, toPng };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    const [, name] = message.match(/'([^']+)'/) ?? [];
    const missing = PICTURE_PACKAGES.find((known) => name === known || name?.startsWith(`${known}/`));
    if (missing === undefined) throw error;
    throw new PicturesMissing(
      `no pictures: ${missing} is not installed; \`npm install ${PICTURE_PACKAGES.join(' ')}\` brings what they need`,
    );
  }
}
