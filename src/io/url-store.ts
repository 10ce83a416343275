// A store on a web server, read-only: a page loads a model folder from where it is published.
import { checkName, type Store } from './store.ts';

/** The files under `base` (`https://example.org/models/tiny`). Cannot list and cannot write: both throw and say so. */
export function urlStore(base: string): Store {
  const location = base.replace(/\/+$/, '');
  const at = (name: string): string => {
    checkName(name);
    return `${location}/${encodeURIComponent(name)}`;
  };
  const refuse = (what: string) => async (): Promise<never> => {
    throw new Error(`${location} is on the web: it cannot be ${what}; save to a folder instead`);
  };
  return {
    location,
    async read(name): Promise<Uint8Array> {
      const response = await request(at(name), 'GET');
      if (!response.ok) throw refused(at(name), response);
      return new Uint8Array(await response.arrayBuffer());
    },
    async exists(name): Promise<boolean> {
      const response = await request(at(name), 'HEAD');
      if (!response.ok && response.status !== 404) throw refused(at(name), response);
      return response.ok;
    },
    list: refuse('listed'),
    write: refuse('written to'),
    writeAll: refuse('written to'),
    remove: refuse('written to'),
    folder(name): Store {
      checkName(name);
      return urlStore(`${location}/${encodeURIComponent(name)}`);
    },
  };
}

type Response = Awaited<ReturnType<typeof fetch>>;

async function request(url: string, method: string): Promise<Response> {
  try {
    return await fetch(url, { method });
  } catch (error) {
    throw new Error(`${url} cannot be reached: check the address and the connection`, { cause: error });
  }
}

function refused(url: string, response: Response): Error {
  return new Error(`${url}: the server answered ${response.status} ${response.statusText}`.trimEnd());
}
