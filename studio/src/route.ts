// The address of the page is its state: `#/train?text=moby-dick&preset=tiny`. A room, and what was chosen
// there.
import { computed, type ReadonlySignal, signal } from '@preact/signals';

/** The rooms, in the order in which a newcomer walks through them. */
export const ROOMS = ['arrive', 'text', 'train', 'play', 'look', 'take'] as const;
export type Room = (typeof ROOMS)[number];

interface Place {
  room: Room;
  /** As it is written in the address, where no room may be called that. */
  asked: string;
  choices: URLSearchParams;
}

const place = signal<Place>(read());
addEventListener('hashchange', () => {
  place.value = read();
});

function read(): Place {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const room = ROOMS.find((name) => name === path) ?? 'arrive';
  return { room, asked: path, choices: new URLSearchParams(query) };
}

export const room: ReadonlySignal<Room> = computed(() => place.value.room);

/** The room that the address asks for, which may be none. */
export const askedRoom: ReadonlySignal<string> = computed(() => place.value.asked);

/** What the address says of `name`; null if nothing. */
export function choice(name: string): string | null {
  return place.value.choices.get(name);
}

/** All that the address says. */
export function choices(): ReadonlyMap<string, string> {
  return new Map(place.value.choices);
}

/**
 * Changes choices in the address; null takes one out. The browser's history keeps rooms, not every slider.
 */
export function choose(changes: Readonly<Record<string, string | null>>): void {
  const changed = new URLSearchParams(place.value.choices);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) changed.delete(name);
    else changed.set(name, value);
  }
  replace(address(place.value.room, changed));
}

function replace(address: string): void {
  history.replaceState(null, '', address);
  place.value = read();
}

/** Enters a room in the place of this one: the browser's way back does not lead here. */
export function redirect(to: Room): void {
  replace(link(to));
}

/** The address of a room, with the present choices and `changes`. */
export function link(to: Room, changes: Readonly<Record<string, string>> = {}): string {
  return address(to, new URLSearchParams({ ...Object.fromEntries(place.value.choices), ...changes }));
}

/** Enters a room. */
export function enter(to: Room, changes: Readonly<Record<string, string>> = {}): void {
  location.hash = link(to, changes);
  place.value = read(); // at once: the browser tells of it later
}

function address(to: Room, given: URLSearchParams): string {
  const query = given.toString();
  return `#/${to}${query === '' ? '' : `?${query}`}`;
}
