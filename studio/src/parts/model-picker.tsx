// Which model: one of the list, or one that is dropped here, as a folder or a .zip.

import { signal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { changes, discard } from '../kept/files.ts';
import { importModel } from '../kept/imports.ts';
import { listModels, type ModelGroup } from '../kept/model-list.ts';
import { forget, SHIPPED, titleOf } from '../kept/models.ts';
import { attempt, tell } from '../notices.ts';
import { choice, choose } from '../route.ts';
import { phase } from '../training.ts';
import { Confirm } from './confirm.tsx';
import { DropArea } from './drop-area.tsx';

interface Shown {
  /** The choice in the address: `model`. */
  choice?: string;
  label?: string;
  /** What is chosen where the address says nothing. Null: no model, which the list then offers, too. */
  usual?: string | null;
  /** What the list calls no model. */
  none?: string;
}

/** The model that the address names. */
export function chosenModel(name = 'model'): string {
  return choice(name) || SHIPPED;
}

/** One list for all who ask on a page, so that a picker and the button below it never disagree. */
const listedModels = signal<readonly ModelGroup[]>([]);

/** All models that are here, read again when one comes or goes; none before the first reading. */
export function useModels(): readonly ModelGroup[] {
  const version = `${changes.runs.value} ${changes.models.value} ${phase.value.phase === 'ended'}`;
  useEffect(() => {
    attempt(async () => {
      listedModels.value = await listModels();
    });
  }, [version]);
  return listedModels.value;
}

function isListed(groups: readonly ModelGroup[], model: string): boolean {
  return groups.some(({ models }) => models.some(({ name }) => name === model));
}

/** Whether `model` is known not to be here; no model (`''`) is not missed. */
export function isMissing(groups: readonly ModelGroup[], model: string): boolean {
  return groups.length > 0 && model !== '' && !isListed(groups, model);
}

export function ModelPicker({
  choice: key = 'model',
  label = 'model',
  usual = SHIPPED,
  none = 'none',
}: Shown): VNode {
  const groups = useModels();
  const [busy, setBusy] = useState(false);
  const picked = useRef<HTMLInputElement>(null);
  const id = useId();
  const chosen = choice(key) ?? usual ?? '';
  const listed = isListed(groups, chosen);
  const missing = isMissing(groups, chosen);
  const bring = (from: DataTransfer | Iterable<File>): void => {
    setBusy(true);
    attempt(async () => {
      try {
        const { model, line } = await importModel(from);
        choose({ [key]: model });
        tell(line);
      } finally {
        setBusy(false);
      }
    });
  };
  return (
    <DropArea class="model-picker option" what="a model folder, a run or its .zip" onDrop={bring}>
      <label for={id}>{label}</label>
      <select
        id={id}
        value={chosen}
        disabled={busy}
        onChange={(event) => choose({ [key]: event.currentTarget.value || null })}
      >
        {usual === null && <option value="">{none}</option>}
        {groups.map(({ title, models }) => (
          <optgroup key={title} label={title}>
            {models.map((model) => (
              <option key={model.name} value={model.name}>
                {model.title}
              </option>
            ))}
          </optgroup>
        ))}
        {!listed && chosen !== '' && <option value={chosen}>{titleOf(chosen)}</option>}
      </select>
      <small>
        {busy ? (
          'The model is read ...'
        ) : (
          <>
            Or drop a model folder here, or{' '}
            <button type="button" class="inline" onClick={() => picked.current?.click()}>
              open a .zip
            </button>
            .
          </>
        )}
        {!busy && !missing && /^models\/[^/]+$/.test(chosen) && <Delete model={chosen} choice={key} />}
      </small>
      {missing && (
        <p class="bad fit" role="alert">
          {titleOf(chosen)} is not here: choose another model.
        </p>
      )}
      <input
        ref={picked}
        type="file"
        hidden
        multiple
        accept=".zip,.json,.safetensors"
        onChange={({ currentTarget: input }) => {
          if (input.files?.length) bring([...input.files]);
          input.value = ''; // the same file can be chosen again
        }}
      />
    </DropArea>
  );
}

/** Deletes an imported model; those of runs go with their runs. */
function Delete({ model, choice: key }: { model: string; choice: string }): VNode {
  const remove = async (): Promise<void> => {
    forget(model);
    await discard('models', model.replace('models/', ''));
    choose({ [key]: null });
  };
  return (
    <Confirm
      label="Delete"
      question={`Delete ${titleOf(model)} from this browser?`}
      onYes={() => attempt(remove)}
    />
  );
}
