// Threads and a queue, shared by all engines with the same settings. Each engine has its own buffers. Read
// next: index.ts.
import type { BackendOptions } from '../contract.ts';
import type { Addon, NativeEngine } from './addon.ts';

/** What engines with the same settings share. */
export interface Shared {
  engine: NativeEngine;
  /** The array from which `engine.call` reads its numbers. */
  packed: Float64Array;
  /** Number of engines that use it. */
  users: number;
  /** The engine that is recording. Kernels queued by others would become part of its program. */
  recording: object | null;
}

/** One engine's use of shared threads. */
export interface Lease {
  team: Shared;
  /** Ends the use; the last one ends the threads. */
  end(): void;
}

/** More numbers than any call packs. */
const MOST_NUMBERS = 64;

/** By addon, since a process may load several files (INKHORN_ADDON), and by settings. */
const teamsOf = new WeakMap<Addon, Map<string, Shared>>();

/** The threads for these settings, started if they do not exist. */
export function share(addon: Addon, isa: string, { threads, precision }: Required<BackendOptions>): Lease {
  const teams = teamsOf.get(addon) ?? new Map<string, Shared>();
  teamsOf.set(addon, teams);
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
