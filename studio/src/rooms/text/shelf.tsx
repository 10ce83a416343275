// The texts of the site and of this browser: bring one, pick one, see what it is, delete it.
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { bringPasted, keptLine } from '../../kept/bring-text.ts';
import { changes, discard } from '../../kept/files.ts';
import { renamedLine } from '../../kept/names.ts';
import { runsOn } from '../../kept/runs.ts';
import { FIRST_TEXT, type ListedText, listTexts, renameText } from '../../kept/texts.ts';
import { attempt, tell } from '../../notices.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { choose, link } from '../../route.ts';
import { FitLine, readerOfPlan, useFit } from '../train/fit.tsx';
import type { Plan } from '../train/plan.ts';
import { Facts } from './facts.tsx';

/** The most runs named in a question. */
const NAMED = 5;

interface Shown {
  text: string;
  /** The model that would be trained on it. */
  plan: Plan;
  bytes: Uint8Array | null;
  /** Whether files are being looked through. */
  bringing: boolean;
  onFiles(files: readonly File[]): void;
}

export function Shelf({ text, plan, bytes, bringing, onFiles }: Shown): VNode {
  const fit = useFit(text, bytes && readerOfPlan(plan));
  const [texts, setTexts] = useState<readonly ListedText[]>([]);
  const version = changes.texts.value;
  const list = useRef<HTMLFieldSetElement>(null);
  useEffect(() => attempt(async () => setTexts(await listTexts())), [version]);
  useEffect(() => showChosen(list.current), [text, texts]);
  return (
    <section class="shelf card" aria-label="Texts">
      <div class="bring">
        <p>
          <b>Drop a text anywhere on this page</b>
          <span class="muted">
            A .txt file, several, or a folder, in UTF-8. It stays in this browser: nothing is sent.
          </span>
        </p>
        <div class="buttons">
          <Files label="Choose files" onFiles={onFiles} />
          <Files label="Choose a folder" folder onFiles={onFiles} />
        </div>
        <Paste />
        {bringing && <p role="status">The files are looked through ...</p>}
      </div>
      <fieldset class="texts-list fades" ref={list}>
        <legend>Texts here</legend>
        {texts.map(({ name, title, size }) => (
          <div key={name} class={name === text ? 'chosen' : ''}>
            <label>
              <input
                type="radio"
                name="text"
                checked={name === text}
                onChange={() => choose({ text: name })}
              />
              <span>
                {title} {size !== null && <small class="muted">{sizeOf(size)}</small>}
              </span>
            </label>
            {size !== null && (
              <span class="buttons">
                <Rename name={name} chosen={name === text} />
                <Delete name={name} chosen={name === text} />
              </span>
            )}
          </div>
        ))}
      </fieldset>
      <Facts name={text} bytes={bytes} />
      <FitLine text={text} fit={fit} />
      <a class="button primary" href={link('train', { text })}>
        Train a model on it
      </a>
    </section>
  );
}

/** Scrolls the list, and not the page, to the text that is chosen. */
function showChosen(list: HTMLElement | null): void {
  const row = list?.querySelector<HTMLElement>('.chosen');
  if (!list || !row) return;
  const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
  const seen = top >= list.scrollTop && bottom <= list.scrollTop + list.clientHeight;
  if (!seen) list.scrollTop = top - (list.clientHeight - row.offsetHeight) / 2;
}

function Files({
  label,
  folder = false,
  onFiles,
}: {
  label: string;
  folder?: boolean;
  onFiles: Shown['onFiles'];
}): VNode {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) input.current.webkitdirectory = folder;
  }, [folder]);
  return (
    <>
      <button type="button" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        onChange={({ currentTarget }) => {
          if (currentTarget.files?.length) onFiles([...currentTarget.files]);
          currentTarget.value = ''; // the same file can be chosen again
        }}
      />
    </>
  );
}

function Paste(): VNode {
  const [text, setText] = useState('');
  const [name, setName] = useState('pasted');
  const keep = async (): Promise<void> => {
    const brought = await bringPasted(name, text);
    choose({ text: brought.name });
    setText('');
    tell(keptLine(brought));
  };
  return (
    <details class="paste">
      <summary>Paste a text</summary>
      <textarea
        rows={5}
        aria-label="The text"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div class="buttons">
        <input
          type="text"
          aria-label="Its name"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="button" disabled={text.trim() === ''} onClick={() => attempt(keep)}>
          Keep it
        </button>
      </div>
    </details>
  );
}

function Rename({ name, chosen }: { name: string; chosen: boolean }): VNode {
  const [wanted, setWanted] = useState<string | null>(null);
  const rename = async (): Promise<void> => {
    const renamed = await renameText(name, wanted ?? name);
    const line = wanted?.trim() ? renamedLine(wanted, renamed) : null;
    if (line !== null) tell(line);
    setWanted(null);
    if (chosen) choose({ text: renamed });
  };
  if (wanted === null)
    return (
      <button type="button" class="quiet" onClick={() => setWanted(name)}>
        Rename
      </button>
    );
  return (
    <form
      class="buttons"
      onSubmit={(event) => {
        event.preventDefault();
        attempt(rename);
      }}
    >
      <input
        type="text"
        aria-label={`Another name for ${name}`}
        value={wanted}
        onInput={(event) => setWanted(event.currentTarget.value)}
      />
      <button type="submit">Rename</button>
      <button type="button" class="quiet" onClick={() => setWanted(null)}>
        Keep
      </button>
    </form>
  );
}

function Delete({ name, chosen }: { name: string; chosen: boolean }): VNode {
  const [needed, setNeeded] = useState<readonly string[]>([]);
  const version = changes.runs.value;
  const find = (): void => attempt(async () => setNeeded(await runsOn(name).catch(() => [])));
  useEffect(find, [name, version]);
  const remove = async (): Promise<void> => {
    if (chosen) choose({ text: FIRST_TEXT });
    await discard('texts', name);
  };
  const question =
    needed.length > 0
      ? `Delete it? ${listed(needed)} cannot go on without it.`
      : 'Delete it from this browser?';
  return <Confirm label="Delete" question={question} onYes={() => attempt(remove)} />;
}

/** `a, b and 7 more` */
function listed(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.slice(0, NAMED).join(', ') + more;
}

function sizeOf(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
