// A read-only store on a web server: a page loads a model folder from where it is published.
import { concatBytes } from '../base/concat.ts';
import { formatAmount } from '../base/format.ts';
import { checkLength, checkName, inParts, type OpenFile, readOnly, type Store } from './store.ts';

/**
 * The files under `base` (`https://example.org/models/tiny`; in a page also a relative address). Listing and
 * writing throw. Throws for other kinds of address, such as `file://`.
 */
export function urlStore(base: string): Store {
  const location = base.replace(/\/+$/, '');
  checkScheme(location);
  const at = (name: string): string => {
    checkName(name);
    return `${location}/${encodeURIComponent(name)}`;
  };
  const { refuse, ...writing } = readOnly(location, 'on the web', 'save to a folder');
  const read = async (name: string, atMost?: number): Promise<Uint8Array> => {
    const response = await request(at(name), 'GET');
    if (!response.ok) throw refused(at(name), response);
    try {
      checkLength(Number(response.headers.get('content-length') ?? 0), atMost);
      return await bodyOf(response, atMost);
    } catch (error) {
      await response.body?.cancel().catch(() => {}); // it has ended already, or is being read
      throw new Error(`${at(name)}: ${(error as Error).message}`, { cause: error });
    }
  };
  return {
    location,
    read,
    async open(name): Promise<OpenFile> {
      const { ok, headers } = await request(at(name), 'HEAD');
      const size = Number(headers.get('content-length') ?? Number.NaN);
      // The length of a compressed answer is another one.
      const inRanges = headers.get('accept-ranges') === 'bytes' && headers.get('content-encoding') === null;
      if (ok && inRanges && Number.isSafeInteger(size))
        return inParts(size, (begin, end) => readRange(at(name), begin, end));
      const bytes = await read(name);
      return inParts(bytes.length, async (begin, end) => bytes.slice(begin, end));
    },
    async exists(name): Promise<boolean> {
      let response = await request(at(name), 'HEAD');
      const unknown = response.status === 405 || response.status === 501; // not every server knows HEAD
      if (unknown) response = await request(at(name), 'GET');
      if (!response.ok && response.status !== 404 && response.status !== 410)
        throw refused(at(name), response);
      return response.ok;
    },
    ...writing,
    list: refuse('listed'),
    folder(name): Store {
      checkName(name);
      return urlStore(`${location}/${encodeURIComponent(name)}`);
    },
  };
}

type Response = Awaited<ReturnType<typeof fetch>>;

/** The bytes from `begin` up to `end` of a file whose server gives parts. */
async function readRange(url: string, begin: number, end: number): Promise<Uint8Array> {
  if (begin === end) return new Uint8Array(0);
  const response = await request(url, 'GET', { range: `bytes=${begin}-${end - 1}` });
  if (response.status !== 206) throw refused(url, response);
  try {
    return await bodyOf(response, end - begin);
  } catch (error) {
    throw new Error(`${url}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The bytes of an answer. Throws once they are more than `atMost`: a server need not say how many come, and
 * the length of a compressed answer is another one.
 */
async function bodyOf({ body }: Response, atMost: number = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  while (reader) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new Error('the connection was cut before the whole file had come', { cause });
    });
    if (done || !value) break;
    parts.push(value);
    length += value.length;
    if (length <= atMost) continue;
    await reader.cancel();
    throw new Error(`it has more than the ${formatAmount(atMost, 'byte')} that are read at most`);
  }
  return concatBytes(parts);
}

/** Addresses without a scheme are left to `fetch`, which resolves them in a page. */
function checkScheme(location: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1].toLowerCase();
  if (scheme === undefined || scheme === 'http' || scheme === 'https') return;
  if (scheme === 'file')
    throw new Error(`${location} is a folder of this machine, not on the web: use folderStore with its path`);
  throw new Error(`${location}: ${scheme}: is not read, only http: and https: are`);
}

async function request(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  try {
    return await fetch(url, { method, headers });
  } catch (error) {
    throw new Error(`${url} cannot be reached: ${unreachable(error)}`, { cause: error });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no host has that name',
  EAI_AGAIN: 'the name of the host cannot be looked up: check the connection',
  ECONNREFUSED: 'the host refuses the connection: check the port, and that the server runs',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ETIMEDOUT: 'the host does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'the host does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'the host does not answer',
  ENETUNREACH: 'there is no connection to its network',
  EHOSTUNREACH: 'there is no connection to its network',
  ERR_INVALID_URL: 'it is no whole address: begin it with https://',
};

/** Why `fetch` failed, as far as it says: a browser tells a page nothing. */
function unreachable(error: unknown): string {
  const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
  const code = String(cause?.code ?? '');
  const message = String(cause?.message ?? '').replace(/\s+/g, ' ');
  if (Object.hasOwn(REASONS, code)) return REASONS[code];
  if (message === 'redirect count exceeded') return 'it redirects without end';
  if (/CERT|TLS|SSL/.test(code)) return `its certificate is not trusted (${code})`;
  return message === '' ? 'check the address and the connection' : message;
}

function refused(url: string, response: Response): Error {
  return new Error(`${url}: the server answered ${response.status} ${response.statusText}`.trimEnd());
}
