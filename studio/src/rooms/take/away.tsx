// Take away: a model, a run, its report, and how to go on with them on another machine.
import { furtherSteps } from 'inkhorn';
import type { VNode } from 'preact';
import { LIVE, SHIPPED, titleOf } from '../../kept/models.ts';
import { fileNameOf } from '../../kept/names.ts';
import { published } from '../../kept/texts.ts';
import { link } from '../../route.ts';
import { Command } from './command.tsx';
import { Doors } from './doors.tsx';
import { Download } from './download.tsx';
import { downloadModel, downloadRun, folderOf } from './packing.ts';
import type { RunFacts } from './run-facts.ts';

export function Away({ model, run }: { model: string; run: RunFacts | null }): VNode {
  const folder = folderOf(model);
  return (
    <section aria-labelledby="away">
      <h2 id="away">Take away</h2>
      <div class="two-cards">
        <div class="card">
          <h3>The model</h3>
          <p>{titleOf(model)}: weights, config and tokenizer, to write with, and to look into.</p>
          <p class="buttons">
            <Download label={`${folder}.zip`} work={() => downloadModel(model)} />
            {model !== LIVE && (
              <a class="button" href={link('train', { from: model })}>
                Go on with another text
              </a>
            )}
          </p>
          <h4>On your machine</h4>
          <Command lines={modelCommands(model, folder)} />
        </div>
        {run && <Run run={run} />}
      </div>
      <Doors model={model} />
    </section>
  );
}

function Run({ run }: { run: RunFacts }): VNode {
  const { name, data, step, settings } = run;
  const folder = fileNameOf(name);
  const isPublished = published.some((text) => text.name === data.name);
  const left = step < settings.steps;
  return (
    <div class="card">
      <h3>The run</h3>
      <p>
        {name}: {step} of {settings.steps} steps, with its optimizer, its history and its copies
        {isPublished || run.text === null ? '' : `, and its text ${run.text}`}.
      </p>
      {run.text === null && (
        <p class="warning">
          Its text, {data.name}, is not in this browser, so it is not packed: the command line asks for it,
          with <code>--data</code>.
        </p>
      )}
      <p class="buttons">
        <Download label={`${folder}.zip`} work={() => downloadRun(name)} />
        <Download label="report" work={async () => (await import('./reports.ts')).downloadReport(name)} />
        <Download
          label="figures (SVG)"
          work={async () => (await import('./reports.ts')).downloadFigures(name)}
        />
      </p>
      <h4>Go on with it on your machine</h4>
      <Command
        lines={[
          `unzip ${folder}.zip`,
          `npx inkhorn train --resume ${folder}${left ? '' : ` --steps ${furtherSteps(settings.steps)}`}${run.text === null ? ` --data ${quoted(data.name)}` : ''}`,
          `npx inkhorn generate -m ${folder}`,
        ]}
      />
      <small class="muted">
        The fastest engine of your machine goes on with it. Add <code>--backend wasm</code> to compute as this
        tab does: the weights become the same, bit for bit, on the same processor with the same build. A run
        of a tab with relaxed SIMD, which its engine is called after, needs Node 22 or newer for that.
      </small>
    </div>
  );
}

/** A word of a shell. */
function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function modelCommands(model: string, folder: string): string[] {
  if (model === SHIPPED) return ['npx inkhorn generate -p ROMEO:'];
  return [`unzip ${folder}.zip`, `npx inkhorn generate -m ${folder}`];
}
