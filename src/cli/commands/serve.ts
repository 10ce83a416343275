// `inkhorn serve`: models behind OpenAI's completions, on a server of this machine.
import { basename, resolve } from 'node:path';
import type { Backend } from '../../backend/contract.ts';
import { revealLine } from '../../base/controls.ts';
import { formatAmount } from '../../base/format.ts';
import { reason } from '../../io/node-store.ts';
import { formatOf } from '../../quantize/format.ts';
import { quantize } from '../../quantize/quantize.ts';
import type { NamedModel } from '../../serve/models.ts';
import { serveFields, serveModels } from '../../serve/server.ts';
import { type Context, defineCommand } from '../command.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { asked, misuse } from '../errors.ts';
import { choice, type Flags, flagsOf, texts } from '../flags.ts';
import { adapterFlag, findCheckpoint, openModel, runOf } from '../models.ts';
import type { Output } from '../output.ts';
import { packageVersion } from '../version.ts';

const flags = {
  model: texts({
    about:
      'model folder, or run folder (its best checkpoint), served by its name or as NAME=DIR; several times. NAME: letters (a to z), digits, . : _ -',
    argument: '<dir>',
    short: 'm',
    initial: 'the bundled Shakespeare model',
  }),
  adapter: adapterFlag,
  weights: choice(
    { about: 'int8: float models are served in INT8; saved: as their folders have them', initial: 'int8' },
    ['int8', 'saved'],
  ),
  ...flagsOf(serveFields),
  ...engineFlags,
} satisfies Flags;

type Given = Context<typeof flags>['flags'];
type ServeFlag = keyof typeof serveFields;

export const serve = defineCommand({
  examples: [
    ['serve -m runs/first', "OpenAI's completions at http://localhost:4466/v1, and a page to try it"],
    ['serve -m first=runs/first -m second=runs/second/int4', 'two models by name'],
    ['serve --host 0.0.0.0 --api-key SECRET', 'for other machines, too'],
    ["serve --cors 'https://example.org'", 'pages of that site may use it'],
  ],
  flags,
  meant: (_, place) => (place === 'folder' ? '--model' : undefined),
  async run(context: Context<typeof flags>): Promise<void> {
    const { flags: given, output } = context;
    const places = placesOf(given.model);
    const { adapter } = given;
    if (adapter !== undefined && places.length > 1)
      throw misuse('--adapter is for one model: of several, it is not known which it belongs to');
    const { weights = 'int8' } = given;
    const options = Object.fromEntries(
      Object.keys(serveFields).map((name) => [name, given[name as ServeFlag]]),
    );
    await withEngine(given, async (engine) => {
      const backend = announceEngine(engine, output);
      const models: NamedModel[] = [];
      for (const place of places) models.push(await open({ ...place, adapter }, weights, backend, output));
      const { signal } = context;
      const tell = {
        version: packageVersion(),
        onError: (error: unknown) => output.note(`error: ${reason(error)}`),
      };
      const server = await asked(() =>
        serveModels(models, tell, options).catch((error: Error) => {
          throw portProblem(error, given);
        }),
      );
      output.data({ url: server.url, models: models.map(({ name }) => name) });
      output.print(
        `serving ${models.map(({ name }) => name).join(', ')} at ${server.url}v1, a page to try it at ${server.url} (Ctrl-C ends it)`,
      );
      await new Promise<void>((done) => {
        if (signal.aborted) done();
        signal.addEventListener('abort', () => done());
      });
      output.note('ending: requests at work are answered first; Ctrl-C again ends at once');
      await server.close();
      for (const { model } of models) model.dispose();
    });
  },
});

interface Place {
  name: string;
  folder: string | undefined;
  adapter?: string;
}

/**
 * The folders of `--model` with the names that they are served by. Throws a misuse where two are the same.
 */
function placesOf(given: readonly string[] | undefined): Place[] {
  if (given === undefined) return [{ name: 'shakespeare', folder: undefined }];
  const places = given.map((text): Place => {
    // A path with a folder before its `=` has no name: `runs/a=b`.
    const [, name, folder] = /^([^/\\=]*)=(.*)$/s.exec(text) ?? [];
    if (name === undefined) return { name: basename(resolve(runOf(text))), folder: text };
    if (!/^[\w.:-]{1,100}$/.test(name))
      throw misuse(
        `--model ${revealLine(text)}: the name before = is ${name === '' ? 'empty' : JSON.stringify(name)}; it may have 1 to 100 letters (a to z), digits, and . : _ -; ./${revealLine(text)} is the folder of that name`,
      );
    if (folder === '') throw misuse(`--model ${text} names no folder: ${name}=DIR`);
    return { name, folder };
  });
  const twice = places.find(({ name }, i) => places.findIndex((other) => other.name === name) < i);
  if (!twice) return places;
  throw misuse(`two models are named ${twice.name}: name them, such as --model a=${twice.folder}`);
}

async function open(
  { name, folder, adapter }: Place,
  weights: 'int8' | 'saved',
  backend: Backend,
  output: Output,
): Promise<NamedModel> {
  const found = await findCheckpoint({ model: folder, adapter }, output);
  const { model, tokenizer } = await openModel(found, backend, output);
  const float = formatOf(model) === 'float32';
  const served = float && weights === 'int8' ? await quantize(model) : model;
  if (served !== model) model.dispose();
  output.note(
    `${revealLine(name)}: ${formatOf(served)}${served === model ? '' : ' (--weights saved: as it is)'}, a context of ${formatAmount(served.config.blockSize, 'token')}`,
  );
  return { name, model: served, tokenizer };
}

/** The error of a port or an address, in terms of the flags. */
function portProblem(error: Error & { cause?: unknown }, { port, host }: Given): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE')
    return misuse(
      `--port ${port ?? serveFields.port.default} is taken: take another one, or 0 for any that is free`,
    );
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return misuse(
      `--host ${host} is no address of this machine: 127.0.0.1 is for this machine only, 0.0.0.0 for all`,
    );
  if (code === 'EACCES')
    return misuse(`--port ${port} is for the system's own programs: take one from 1024 on`);
  return error;
}
