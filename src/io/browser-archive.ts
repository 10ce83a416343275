// A whole store as one file: a .zip with a folder in it, which people can open and tools can read; and back.
import { crc32 } from '../base/crc32.ts';
import { formatCount } from '../base/format.ts';
import { baseName, inParts, type Store } from './store.ts';
import { type TreeFile, treeStore } from './tree-store.ts';
import { readZip } from './zip.ts';

/**
 * All files of `store` and of the folders in it, as one .zip file with a folder `name` in it. Weights are
 * stored as they are, text is compressed. Returns to the event loop while it works. Throws where the store
 * cannot list its files.
 */
export async function archiveOf(store: Store, name: string = fileName(store.location)): Promise<Blob> {
  const { Zip, ZipDeflate, ZipPassThrough } = await import('fflate');
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let failed: Error | null = null;
  const zip = new Zip((error, part) => {
    failed ??= error;
    if (part) parts.push(part);
  });
  for await (const [path, read] of filesIn(store, name)) {
    const bytes = await read();
    const dense = /\.(safetensors|onnx)$/.test(path);
    const file = dense ? new ZipPassThrough(path) : new ZipDeflate(path, { level: 6 });
    file.os = UNIX;
    file.attrs = (PLAIN_FILE << 16) >>> 0;
    zip.add(file);
    const piece = dense ? 2e6 : 2e5;
    for (let at = 0; at === 0 || at < bytes.length; at += piece) {
      file.push(bytes.slice(at, at + piece), at + piece >= bytes.length);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  zip.end();
  if (failed) throw failed;
  return new Blob(parts, { type: 'application/zip' });
}

/** Of a file made by MS-DOS, which is fflate's default, unzip takes names for those of a code page. */
const UNIX = 3;
/** The mode of a file that its owner may write. */
const PLAIN_FILE = 0o100644;

/**
 * Hands the archive of `store` (`archiveOf`) to the person in front of the page, as the download
 * `<name>.zip`. `droppedStore` opens it again.
 */
export async function download(store: Store, name: string = fileName(store.location)): Promise<void> {
  const url = URL.createObjectURL(await archiveOf(store, name));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.zip`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // a browser may begin to read only now
}

/** The largest archive, and the largest contents of one: more does not fit into the memory of a page. */
const MOST_BYTES = 2 ** 31;

/**
 * A read-only store of what is in a .zip file. Throws one line when it is damaged, or larger than the memory
 * of a page.
 */
export async function archiveStore(archive: Blob, name: string = nameOf(archive)): Promise<Store> {
  const { unzipSync } = await import('fflate');
  const fail = (problem: string): never => {
    throw new Error(`${name}: ${problem}`);
  };
  const folder = 'unpack it, and choose the folder';
  if (archive.size > MOST_BYTES)
    fail(
      `it has ${formatCount(archive.size)} bytes: at most ${formatCount(MOST_BYTES)} are opened; ${folder}`,
    );
  const packed = await archive
    .arrayBuffer()
    .then((buffer) => new Uint8Array(buffer))
    .catch(({ message }: Error) => fail(`cannot be read as a whole (${message}): ${folder}`));
  let size = 0;
  let unpacked: Record<string, Uint8Array> = {};
  try {
    unpacked = unzipSync(packed, {
      filter({ name, originalSize }) {
        const wanted = !name.endsWith('/') && !name.startsWith('__MACOSX/');
        if (wanted) size += originalSize;
        return wanted && size <= MOST_BYTES;
      },
    });
  } catch (error) {
    fail(`no .zip file, or a damaged one (${(error as Error).message}): download it again`);
  }
  if (size > MOST_BYTES)
    fail(`it holds ${formatCount(size)} bytes: at most ${formatCount(MOST_BYTES)} are unpacked; ${folder}`);
  await checkSums(packed, unpacked).catch(({ message }: Error) => fail(`${message}: download it again`));
  const files = new Map<string, TreeFile>();
  for (const [path, bytes] of Object.entries(unpacked)) {
    if (path.split('/').some((part) => part === '' || part === '..'))
      fail(`it holds a file ${JSON.stringify(path)}, whose path leads elsewhere`);
    files.set(path, { size: bytes.length, bytes: async () => bytes.slice() });
  }
  return treeStore(name, 'an archive', files);
}

/**
 * Throws where the bytes of a file are not those that were packed, by the sums in the archive's directory,
 * which fflate does not compare.
 */
async function checkSums(packed: Uint8Array, unpacked: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const entries = await readZip(inParts(packed.length, async (begin, end) => packed.subarray(begin, end)));
  for (const [path, bytes] of Object.entries(unpacked)) {
    const crc = entries.get(path)?.crc ?? null;
    if (crc !== null && crc32(bytes) !== crc)
      throw new Error(`${path} in it is damaged (its CRC-32 is not that of what was packed)`);
  }
}

/** All files of a store and of its folders, by their paths in the archive. */
async function* filesIn(
  store: Store,
  path: string,
): AsyncGenerator<[path: string, read: () => Promise<Uint8Array>]> {
  for (const name of await store.list()) yield [`${path}/${name}`, () => store.read(name)];
  for (const name of (await store.folders?.()) ?? []) yield* filesIn(store.folder(name), `${path}/${name}`);
}

/** `first` of `runs/first`, without what a name of a file must not have. */
function fileName(location: string): string {
  return baseName(location)
    .replace(/[^\w. -]/g, '_')
    .replace(/^\.+/, '');
}

function nameOf(archive: Blob): string {
  return archive instanceof File ? archive.name : 'the archive';
}
