// A request over HTTP, sent as it is.
import { request } from 'node:http';

/** A request as it is, which `fetch` would tidy: its status. */
export function statusOf(
  url: string,
  path: string,
  options: { method?: string; headers?: object } = {},
): Promise<number> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, ...options, headers: { ...options.headers } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}
