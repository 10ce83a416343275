// `node:fs` in a worker of a page, as far as the suites need it.

declare const XMLHttpRequest: new () => {
  responseType: string;
  open(method: string, url: string, later: boolean): void;
  send(): void;
  readonly status: number;
  readonly response: ArrayBuffer;
};

/** The bytes of a file beside the page, or its text. */
export function readFileSync(file: URL, encoding?: 'utf8'): Uint8Array | string {
  const request = new XMLHttpRequest();
  request.open('GET', file.href, false);
  request.responseType = 'arraybuffer';
  request.send();
  if (request.status !== 200) throw new Error(`${file.href}: ${request.status}`);
  const bytes = new Uint8Array(request.response);
  return encoding === undefined ? bytes : new TextDecoder().decode(bytes);
}
