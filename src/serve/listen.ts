// A server on a port of this machine, for `inkhorn serve` and the studio.
import { createServer, type Server, type ServerOptions } from 'node:http';
import { type HttpBindings, serve } from './hono.ts';

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
}

/** Starts `app` on a port, 0: any that is free. Rejects when it is taken. */
export async function listen(
  app: NodeApp,
  { port, host, ...serverOptions }: { port: number; host: string } & ServerOptions,
): Promise<Listening> {
  const server = await new Promise<Server>((resolve, reject) => {
    const started = serve(
      {
        fetch: (request, env) => app.fetch(request, env as HttpBindings),
        port,
        hostname: host,
        createServer,
        serverOptions,
      },
      () => resolve(started as Server),
    );
    started.on('error', reject);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    server,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
