// A request over HTTP, sent as it is.
import { request } from 'node:http';

/** A request as it is, which `fetch` would tidy: its status. */
export function statusOf(
  url: string,
  path: string,
  options: { method?: string; headers?: object } = {},
): Promise<number> {
  const { hostname, port } = new URL(url);
  const host = hostname.startsWith('127.') ? hostname : '127.0.0.1';
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path, ...options, headers: { ...options.headers } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });
}
