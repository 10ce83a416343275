// `inkhorn studio`: the studio in a browser, served by this machine; with a run, that run as it trains.
import { reason } from '../../io/node-store.ts';
import { type StudioServer, serveStudio } from '../../site/server.ts';
import { type Context, defineCommand } from '../command.ts';
import { misuse } from '../errors.ts';
import { type Flags, integer, text } from '../flags.ts';
import { namedRun } from '../models.ts';

/** The port if none is given: I, N, K on a telephone. */
const PORT = 4465;

const flags = {
  run: text({ about: 'folder of a run to follow as it trains', argument: '<dir>' }),
  port: integer(
    { about: 'port of the server, 0: any that is free', initial: `${PORT}, or any that is free` },
    0,
    65535,
  ),
} satisfies Flags;

export const studio = defineCommand({
  examples: [
    ['studio', 'your own text, trained, seen through and talking in a browser'],
    ['studio --run runs/first', 'follow a run that `inkhorn train` goes on with in another terminal'],
  ],
  flags,
  meant: (_, place) => (place === 'folder' ? '--run' : undefined),
  async run(context: Context<typeof flags>): Promise<void> {
    const { flags: given, output } = context;
    const run = given.run === undefined ? undefined : await namedRun(given.run);
    const { signal } = context;
    const server = await listen(given.port, (port) => serveStudio({ port, run, signal }));
    output.data({ url: server.url, ...(run !== undefined && { run }) });
    output.print(`studio: ${server.url}${run === undefined ? '' : ` follows ${run}`} (Ctrl-C ends it)`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });
    await server.close();
  },
});

/** On the given port; else on the usual one, or on any other if that is taken. */
async function listen(
  port: number | undefined,
  serve: (port: number) => Promise<StudioServer>,
): Promise<StudioServer> {
  try {
    return await serve(port ?? PORT);
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (taken && port === undefined) return serve(0);
    if (taken) throw misuse(`--port ${port} is taken: take another one, or 0 for any that is free`);
    throw new Error(reason(error));
  }
}
