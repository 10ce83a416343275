// A figure is a name, a picture and the numbers behind it; on disk it is three files beside each other.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonBytes } from '../base/json.ts';
import { makeFolder } from '../io/node-store.ts';
import { toPng } from './svg.ts';

/** One picture, not yet on disk. */
export interface Figure {
  /** File name without ending: `loss`. */
  name: string;
  title: string;
  /** An SVG document. */
  svg: string;
  /** The numbers that it shows, ready for JSON. */
  data: unknown;
}

/** Writes `name.png`, `name.svg` and `name.json` into `folder` (made if missing) and returns the three paths. */
export async function writeFigure(folder: string, figure: Figure): Promise<string[]> {
  await makeFolder(folder);
  const path = (ending: string): string => join(folder, `${figure.name}.${ending}`);
  await writeFile(path('png'), toPng(figure.svg));
  await writeFile(path('svg'), figure.svg);
  await writeFile(path('json'), jsonBytes(figure.data, 1));
  return [path('png'), path('svg'), path('json')];
}
