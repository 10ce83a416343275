// A server on a port of this machine, for `inkhorn serve` and the studio.
import {
  createServer,
  maxHeaderSize,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener, type HttpBindings, RequestError } from './hono.ts';

/** Whether only this machine reaches a server that listens at `host`. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/i.test(host);
}

/**
 * Whether the `Host` of a request names this machine. A page elsewhere may make its own name lead here:
 * others are refused.
 */
export function namesThisMachine(host: string | undefined): boolean {
  const [, name] = /^\[?(.*?)\]?(?::\d+)?$/.exec(host ?? '') ?? [];
  return name !== undefined && isLoopback(name);
}

/** A server that listens. */
export interface Listening {
  port: number;
  server: Server;
  /** Takes no more connections, and resolves when the last one has ended. */
  close(): Promise<void>;
}

/** An app of Hono's. Its environment has Node's own request and answer. */
export interface NodeApp {
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>;
  /** The document that answers what is no request, and what fails before or after the app. Absent: a text. */
  errorDocument?(status: number, message: string): object;
}

/** Starts `app` on a port, 0: any that is free. Rejects when it is taken. */
export async function listen(
  app: NodeApp,
  { port, host, ...serverOptions }: { port: number; host: string } & ServerOptions,
): Promise<Listening> {
  const refusal = (status: number, message: string): { body: string; type: string } =>
    app.errorDocument
      ? { body: JSON.stringify(app.errorDocument(status, message)), type: 'application/json' }
      : { body: `${message}\n`, type: 'text/plain; charset=utf-8' };
  const onRequest = getRequestListener((request, env) => app.fetch(request, env as HttpBindings), {
    hostname: host,
    errorHandler(error) {
      const known = error instanceof RequestError; // its host or path is none
      const message = known ? `the request is wrong: ${error.message}` : 'the server failed';
      const status = known ? 400 : 500;
      const { body, type } = refusal(status, message);
      return new Response(body, { status, headers: { 'Content-Type': type } });
    },
  });
  const end = (response: ServerResponse, status: number, message: string): void => {
    const { body, type } = refusal(status, message);
    const length = Buffer.byteLength(body);
    response
      .writeHead(status, { 'Content-Type': type, 'Content-Length': length, Connection: 'close' })
      .end(body);
  };
  const server = createServer({ ...serverOptions, requireHostHeader: false }, (request, response) => {
    if (request.headers.host !== undefined || request.httpVersion === '1.0') onRequest(request, response);
    else end(response, 400, 'the request names no host: HTTP/1.1 asks for the header Host');
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const { status, message } = problemOf(error);
    endRaw(error, socket, status, refusal(status, message));
  });
  server.on('checkExpectation', (request, response) => {
    end(response, 417, `Expect: ${request.headers.expect} is not possible: leave it out`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    server,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** What is wrong with bytes that Node does not take for a request. */
function problemOf({ code, message }: NodeJS.ErrnoException): { status: number; message: string } {
  if (code === 'HPE_HEADER_OVERFLOW')
    return { status: 431, message: `the headers are larger than ${maxHeaderSize} bytes: send fewer` };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, message: 'the request did not arrive in time: send it again, whole' };
  return { status: 400, message: `this is no request of HTTP/1.1: ${message}` };
}

/** Ends a connection with an answer, unless it has begun another one. */
function endRaw(
  { code }: NodeJS.ErrnoException,
  socket: Duplex & { _httpMessage?: ServerResponse | null },
  status: number,
  { body, type }: { body: string; type: string },
): void {
  if (code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
