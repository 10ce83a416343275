// And back: a run or a model of the command line is dropped here, and goes on in the tab.
import { furtherSteps } from 'inkhorn';
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { readFiles } from '../../kept/bring-text.ts';
import { importModel } from '../../kept/imports.ts';
import { isTextOf, keepText } from '../../kept/texts.ts';
import { attempt, tell } from '../../notices.ts';
import { DropArea } from '../../parts/drop-area.tsx';
import { choose, enter } from '../../route.ts';
import { goOn, isBusy } from '../../training.ts';
import type { RunFacts } from './run-facts.ts';

export function Back({ run }: { run: RunFacts | null }): VNode {
  const [busy, setBusy] = useState(false);
  const folder = useRef<HTMLInputElement>(null);
  const archive = useRef<HTMLInputElement>(null);
  const bring = (from: DataTransfer | Iterable<File>): void => {
    setBusy(true);
    attempt(async () => {
      try {
        const { model, line } = await importModel(from);
        choose({ model });
        tell(line);
      } finally {
        setBusy(false);
      }
    });
  };
  return (
    <section aria-labelledby="back">
      <h2 id="back">Bring back</h2>
      <DropArea class="card" what="a run or a model" onDrop={bring}>
        <p>
          Drop the folder of a run here (the <code>--out</code> of <code>inkhorn train</code>), a model
          folder, or the .zip of one. A run goes on in this tab.
        </p>
        <p class="buttons">
          <button type="button" disabled={busy} onClick={() => folder.current?.click()}>
            {busy ? 'Reading ...' : 'Choose a folder'}
          </button>
          <button type="button" disabled={busy} onClick={() => archive.current?.click()}>
            Choose a .zip
          </button>
        </p>
        <Files input={folder} folder onFiles={bring} />
        <Files input={archive} accept=".zip" onFiles={bring} />
        {run && <GoOn run={run} />}
      </DropArea>
    </section>
  );
}

/** The run that is chosen: what it needs to go on. */
function GoOn({ run }: { run: RunFacts }): VNode | null {
  const { name, step, settings, text, data } = run;
  const input = useRef<HTMLInputElement>(null);
  if (isBusy()) return null;
  const bringText = (files: readonly File[]): void =>
    attempt(async () => {
      const { name: brought, bytes } = await readFiles(files);
      if (!(await isTextOf(data, bytes)))
        throw new Error(
          `${brought} (${bytes.length.toLocaleString('en')} bytes) is not the text that ${name} was trained on: that is ${data.name}, ${data.bytes.toLocaleString('en')} bytes`,
        );
      tell(`${await keepText(brought, bytes)} is kept in this browser: ${name} can go on.`);
    });
  if (text === null)
    return (
      <div class="warning">
        <p>
          <b>{name}</b> was trained on {data.name} ({data.bytes.toLocaleString('en')} bytes), which is not in
          this browser. Bring it, and the run can go on.
        </p>
        <button type="button" onClick={() => input.current?.click()}>
          Choose the text
        </button>
        <Files input={input} several onFiles={bringText} />
      </div>
    );
  const steps = step < settings.steps ? undefined : furtherSteps(settings.steps);
  const start = async (): Promise<void> => {
    enter('train');
    await goOn(name, steps);
  };
  return (
    <p class="buttons">
      <span>
        <b>{name}</b> is at step {step} of {settings.steps}.
      </span>
      <button type="button" class="primary" onClick={() => attempt(start)}>
        Go on in this tab{steps !== undefined && `, to step ${steps}`}
      </button>
    </p>
  );
}

/** A hidden input, which a button opens. */
function Files({
  input,
  folder = false,
  several = false,
  accept,
  onFiles,
}: {
  input: { current: HTMLInputElement | null };
  folder?: boolean;
  several?: boolean;
  accept?: string;
  onFiles(files: readonly File[]): void;
}): VNode {
  return (
    <input
      ref={(node) => {
        input.current = node;
        if (node) node.webkitdirectory = folder;
      }}
      type="file"
      hidden
      multiple={several}
      accept={accept}
      onChange={({ currentTarget: chosen }) => {
        if (chosen.files?.length) onFiles([...chosen.files]);
        chosen.value = ''; // the same file can be chosen again
      }}
    />
  );
}
