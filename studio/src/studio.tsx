// The frame around every room: the way between rooms, the engine, the training that goes on, and notices.
import { useSignalEffect } from '@preact/signals';
import type { ComponentType, VNode } from 'preact';
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks';
import { engine, library } from './engine.ts';
import { follow } from './followed.ts';
import { attempt, dismiss, type Notice, notice } from './notices.ts';
import { AddressLine } from './parts/address-line.tsx';
import { refuseOtherDrops } from './parts/drop-area.tsx';
import { Progress } from './parts/progress.tsx';
import { link, ROOMS, type Room, room } from './route.ts';
import { isBusy, keep, pause, phase, resume, stepOnce, stop, training } from './training.ts';

const TITLES: Readonly<Record<Room, string>> = {
  arrive: 'Welcome',
  text: 'Text & tokens',
  train: 'Train',
  play: 'Play',
  look: 'Look inside',
  take: 'Shrink & take',
};

/** On the way to a room, where a narrow window has no place for whole titles. */
const SHORT: Partial<Readonly<Record<Room, string>>> = { text: 'Text', look: 'Look', take: 'Take' };

/** Each room is loaded when it is first entered, or a while after the page: then it is there offline, too. */
const DOORS: Readonly<Record<Room, () => Promise<ComponentType>>> = {
  arrive: async () => (await import('./rooms/arrive/room.tsx')).Arrive,
  text: async () => (await import('./rooms/text/room.tsx')).TextRoom,
  train: async () => (await import('./rooms/train/room.tsx')).Train,
  play: async () => (await import('./rooms/play/room.tsx')).Play,
  look: async () => (await import('./rooms/look/room.tsx')).Look,
  take: async () => (await import('./rooms/take/room.tsx')).Take,
};

/** Milliseconds after which the other rooms are loaded. */
const LATER = 3000;

export function Studio(): VNode {
  useEffect(() => {
    attempt(async () => void (await library()));
    follow();
    refuseOtherDrops();
    setTimeout(() => {
      for (const open of Object.values(DOORS)) open().catch(() => undefined); // who enters it is told
    }, LATER);
    addEventListener('beforeunload', (event) => {
      if (!isBusy()) return;
      event.preventDefault(); // the browser asks once
      keep();
    });
    addEventListener('visibilitychange', () => {
      if (document.hidden && isBusy()) keep(); // a hidden tab may be closed without a question
    });
  }, []);
  useSignalEffect(() => {
    document.title = titleNow();
  });
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('room')?.focus()}>
        To the room
      </button>
      <header class="masthead">
        <a class="wordmark" href={link('arrive')}>
          Inkhorn <span>Studio</span>
        </a>
        <nav aria-label="Rooms">
          {ROOMS.slice(1).map((name) => (
            <WayTo key={name} name={name} />
          ))}
        </nav>
        <EngineLine />
      </header>
      <NoticeLine />
      <AddressLine />
      <main id="room" tabIndex={-1}>
        <RoomView key={room.value} name={room.value} />
      </main>
      <TrainingBar />
    </>
  );
}

/** What the browser calls the tab: among several, the one that trains is found by its run. */
function titleNow(): string {
  const rooms = `${TITLES[room.value]} · Inkhorn Studio`;
  const run = training.value;
  if (!run || phase.value.phase === 'ended' || phase.value.phase === 'preparing') return rooms;
  return `${run.name}, ${Math.floor((100 * run.step.value) / run.settings.steps)} % · ${rooms}`;
}

/** The way to a room. That of the room one is in is seen, where a narrow window has no place for all. */
function WayTo({ name }: { name: Room }): VNode {
  const place = useRef<HTMLAnchorElement>(null);
  const here = room.value === name;
  useEffect(() => {
    if (here) place.current?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [here]);
  return (
    <a ref={place} href={link(name)} aria-current={here ? 'page' : undefined}>
      {SHORT[name] === undefined ? (
        TITLES[name]
      ) : (
        <>
          <span class="long">{TITLES[name]}</span>
          <span class="short">{SHORT[name]}</span>
        </>
      )}
    </a>
  );
}

function RoomView({ name }: { name: Room }): VNode {
  const [View, setView] = useState<ComponentType | null>(null);
  const [broken, forget] = useErrorBoundary(); // what one room cannot draw leaves the others as they are
  useEffect(() => {
    const open = (): void =>
      attempt(async () => {
        const view = await DOORS[name]().catch(() => {
          throw new Error(`${TITLES[name]} cannot be loaded: is the page online?`);
        });
        setView(() => view);
      });
    open();
    addEventListener('online', open);
    return () => removeEventListener('online', open);
  }, [name]);
  if (broken !== undefined)
    return (
      <>
        <h1>{TITLES[name]}</h1>
        <p class="bad" role="alert">
          This room cannot be shown: {broken instanceof Error ? broken.message : String(broken)}
        </p>
        <a href={`#/${name}`} onClick={() => addEventListener('hashchange', forget, { once: true })}>
          Enter it without these choices
        </a>
      </>
    );
  return View ? <View /> : <p class="muted wait">Opening {TITLES[name]} ...</p>;
}

function EngineLine(): VNode {
  const state = engine.value;
  if (state.state === 'starting') return <span class="engine muted">the engine starts</span>;
  if (state.state === 'failed')
    return (
      <span class="engine bad" title={state.reason}>
        no engine works here
      </span>
    );
  return (
    <details class="engine">
      <summary>{state.name}</summary>
      <div class="card popover">
        <p>
          This tab computes with <b>{state.description}</b>.
        </p>
        {state.passedOver.length > 0 && <p class="muted">Not with:</p>}
        <ul>
          {state.passedOver.map(({ name, detail }) => (
            <li key={name}>
              <b>{name}</b>: {detail}
            </li>
          ))}
        </ul>
      </div>
    </details>
  );
}

function NoticeLine(): VNode | null {
  if (!notice.value) return null;
  const { tone, line, fix } = notice.value;
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <span>{line}</span>
      {fix && <Fix key={line} fix={fix} />}
      <button type="button" class="quiet" aria-label="Close this message" onClick={dismiss}>
        ✕
      </button>
    </div>
  );
}

/** What can be done about it. */
function Fix({ fix: { label, ways, work } }: { fix: NonNullable<Notice['fix']> }): VNode {
  const [chosen, choose] = useState(ways[0]);
  return (
    <form
      class="fix"
      onSubmit={(event) => {
        event.preventDefault();
        dismiss();
        work(chosen.value);
      }}
    >
      <select
        aria-label="From"
        value={chosen.value}
        onChange={({ currentTarget }) => choose(ways[currentTarget.selectedIndex])}
      >
        {ways.map(({ value, title }) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
      <button type="submit">{label}</button>
      <output class="preview">{chosen.preview}</output>
    </form>
  );
}

/** The training that goes on, in every room. */
function TrainingBar(): VNode | null {
  const state = phase.value;
  if (state.phase === 'ended') return null;
  if (room.value === 'train' && state.phase !== 'preparing') return null; // it is all there
  if (state.phase === 'preparing')
    return (
      <footer class="training-bar">
        <Progress label={state.what} done={state.done} total={state.total} />
        <button type="button" onClick={stop}>
          Stop
        </button>
      </footer>
    );
  return (
    <footer class="training-bar">
      <a href={link('train')}>{training.value?.name}</a>
      <Standing />
      {state.phase === 'paused' ? (
        <>
          <button type="button" class="primary" onClick={resume}>
            Go on
          </button>
          <button type="button" onClick={stepOnce}>
            One step
          </button>
        </>
      ) : (
        <button type="button" onClick={pause} disabled={state.phase === 'stopping'}>
          Pause
        </button>
      )}
      <button type="button" onClick={stop} disabled={state.phase === 'stopping'}>
        {state.phase === 'stopping' ? 'Stopping' : 'Stop'}
      </button>
    </footer>
  );
}

function Standing(): VNode | null {
  const run = training.value;
  if (!run) return null;
  return <Progress label="Step" done={run.step.value} total={run.settings.steps} />;
}
