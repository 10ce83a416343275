// Threads and a queue, shared by all engines of the same settings: each of them has buffers of its own. Read
// next: index.ts.
import type { BackendOptions } from '../contract.ts';
import type { Addon, NativeEngine } from './addon.ts';

/** What engines of the same settings share. */
export interface Shared {
  engine: NativeEngine;
  /** Where `engine.call` finds its numbers. */
  packed: Float64Array;
  /** Engines that use it. */
  users: number;
  /** The one that records at the moment: what others queue meanwhile would get into its program. */
  recording: object | null;
}

/** The use of shared threads. */
export interface Lease {
  team: Shared;
  /** Gives them back; the last one ends them. */
  end(): void;
}

/** More numbers than any call packs. */
const MOST_NUMBERS = 64;

const teams = new Map<string, Shared>();

/** Those of the settings, started where nobody has them yet. */
export function share(addon: Addon, isa: string, { threads, precision }: Required<BackendOptions>): Lease {
  const settings = `${isa} ${threads} ${precision}`;
  const team = teams.get(settings) ?? start(addon, isa, { threads, precision });
  teams.set(settings, team);
  team.users++;
  return {
    team,
    end() {
      if (--team.users > 0) return;
      teams.delete(settings);
      team.engine.dispose();
    },
  };
}

function start(addon: Addon, isa: string, { threads, precision }: Required<BackendOptions>): Shared {
  const packed = new Float64Array(MOST_NUMBERS);
  const engine = new addon.NativeEngine(isa, threads, precision === 'bf16', packed);
  return { engine, packed, users: 0, recording: null };
}
