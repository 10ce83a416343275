// The model as files of other programs, and which of them cannot have it.
import type { TargetName } from 'inkhorn/exchange';
import type { VNode } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { attempt } from '../../notices.ts';
import { choice, choose } from '../../route.ts';
import { Download } from './download.tsx';
import { type Door, doorsFor, downloadExport, nameOfExport } from './exports.ts';

/** Who reads it, and what it is. */
const READERS: Readonly<Record<Exclude<TargetName, 'peft'>, readonly [who: string, what: string]>> = {
  hf: ['transformers', 'A folder that AutoModelForCausalLM loads.'],
  gguf: ['llama.cpp', 'One file, GGUF, with the tokenizer inside.'],
  onnx: [
    'transformers.js, ONNX Runtime',
    'A folder with the model as a graph, for pages and everywhere else.',
  ],
  safetensors: ['safetensors', 'One file with our names, for whatever reads tensors.'],
  tokenizer: ['The tokenizer alone', 'For tokenizers (json), tiktoken, or minbpe.'],
};

export function Doors({ model }: { model: string }): VNode {
  const [doors, setDoors] = useState<readonly Door[]>([]);
  useEffect(() => {
    let wanted = true;
    setDoors([]);
    attempt(async () => {
      const found = await doorsFor(model);
      if (wanted) setDoors(found);
    });
    return () => {
      wanted = false;
    };
  }, [model]);
  return (
    <div class="card">
      <h3>The model, for other programs</h3>
      <ul class="doors">
        {doors.map((door) => (
          <DoorRow key={door.to} model={model} door={door} />
        ))}
      </ul>
    </div>
  );
}

function DoorRow({ model, door }: { model: string; door: Door }): VNode {
  const { to, option, values } = door;
  const [who, what] = READERS[to as keyof typeof READERS];
  const [notes, setNotes] = useState<readonly string[]>([]);
  const id = useId();
  const { value, refusal } = chosenOf(door);
  useEffect(() => setNotes([]), [model, value]);
  const lines = refusal === null ? notes : [refusal];
  return (
    <li>
      <div class="who">
        <h4>{who}</h4>
        <small>{what}</small>
      </div>
      <div id={id} class="remarks" role="status">
        {lines.map((line) => (
          <p key={line}>{line}</p>
        ))}
      </div>
      <label>
        <span>
          {option} <span class="unseen">for {who}</span>
        </span>
        <select
          value={value}
          disabled={values.every((one) => one.refusal !== null)}
          onChange={(event) => choose({ [to]: event.currentTarget.value })}
        >
          {values.map((one) => (
            <option key={one.value} value={one.value}>
              {one.value}
            </option>
          ))}
        </select>
      </label>
      <Download
        label={nameOfExport(model, door, value)}
        disabled={refusal !== null}
        describedBy={id}
        work={async () => setNotes(await downloadExport(model, door, value))}
      />
    </li>
  );
}

/** The value that the address says, or the first one. A word that is none is refused. */
function chosenOf({ to, option, values }: Door): Door['values'][number] {
  const wanted = choice(to);
  const [first] = values;
  const found = wanted === null ? first : values.find(({ value }) => value === wanted);
  if (found || values.every(({ refusal }) => refusal !== null)) return found ?? first;
  const known = values.map(({ value }) => value).join(', ');
  return { value: first.value, refusal: `${option} ${wanted} is not one of ${known}` };
}
