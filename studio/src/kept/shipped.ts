// The bundled model, fetched as soon as the page knows that it is needed: while the engine starts.
import { type ReadonlySignal, signal } from '@preact/signals';
import { type Store, urlStore } from 'inkhorn';

const FILES = ['config.json', 'tokenizer.json', 'model.safetensors'] as const;
const store = urlStore(new URL('./models/shakespeare', document.baseURI).href);

const shown = signal<{ done: number; total: number } | null>(null);
/** Bytes of the weights that have come; `total` is 0 while unknown. Null before, and once they are taken. */
export const shippedProgress: ReadonlySignal<{ done: number; total: number } | null> = shown;

/** Files on their way, until somebody takes them: 7 MB are not kept twice. */
const coming = new Map<string, Promise<Uint8Array>>();

/** Begins to fetch the files that are not on their way. */
export function fetchShipped(): void {
  for (const name of FILES) if (!coming.has(name)) begin(name);
}

/** The folder of the bundled model. */
export const shippedStore: Store = {
  ...store,
  exists: async (name) => coming.has(name) || store.exists(name),
  async read(name, atMost) {
    const bytes = coming.get(name);
    if (!bytes) return store.read(name, atMost);
    coming.delete(name);
    return bytes;
  },
};

function begin(name: string): void {
  const bytes = name === 'model.safetensors' ? fetchWatched(name) : store.read(name);
  bytes.catch(() => coming.delete(name)); // whoever takes it gets the reason; the next one tries again
  coming.set(name, bytes);
}

/** As `store.read`, and counts the bytes. */
async function fetchWatched(name: string): Promise<Uint8Array> {
  const url = `${store.location}/${name}`;
  const response = await fetch(url).catch(() => null);
  if (!response?.ok || !response.body) return store.read(name); // it says why it fails
  const packed = response.headers.has('content-encoding'); // then the length is another one
  const total = packed ? 0 : Number(response.headers.get('content-length') ?? 0);
  const parts: Uint8Array[] = [];
  let done = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    done += part.value.length;
    shown.value = { done, total };
  }
  shown.value = null;
  if (total > 0 && done < total) return store.read(name); // the connection was cut
  const bytes = new Uint8Array(done);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
