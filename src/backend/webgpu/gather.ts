// Calls of one kernel with the same numbers on many buffers become one dispatch, once their buffers lie side
// by side: an optimizer updates all parameters of a group at once. Read next: homes.ts; join.ts, which takes
// the other calls.
import type { DeviceBuffer } from '../contract.ts';
import { quads } from './elementwise.ts';
import { runCalls, type ShaderCall } from './join.ts';
import type { BuffersOf, Queue } from './queue.ts';
import type { BufferType, NumberType, Shader } from './shader.ts';

/** Fewest calls for which buffers are moved: as many are joined without. */
const FEWEST = 3;

/**
 * Runs `row` together with the calls like it before and after. Only for rows that work element by element,
 * four at a time, on buffers of one length.
 */
export function runGathered<B extends Record<string, BufferType>, N extends Record<string, NumberType>>(
  queue: Queue,
  row: Shader<B, N>,
  buffers: BuffersOf<B>,
  numbers: { readonly [K in keyof N]: number },
  { count, work }: { count: number; work: number },
): void {
  if (count === 0) return;
  const all = Object.values(buffers) as (DeviceBuffer | null)[];
  const uses = all.filter((buffer) => buffer !== null);
  queue.collect<ShaderCall>(row.name, { buffers, numbers, count, work }, uses, (calls) => {
    for (const group of groupsOf(calls)) runGroup(queue, row, group);
  });
}

/** Calls with the same numbers and the same buffers missing, in the order of their first. */
function groupsOf(calls: readonly ShaderCall[]): ShaderCall[][] {
  const groups = new Map<string, ShaderCall[]>();
  for (const call of calls) {
    const missing = Object.values(call.buffers).map((buffer) => buffer === null);
    const key = `${Object.values(call.numbers)} ${missing}`;
    const group = groups.get(key);
    if (group) group.push(call);
    else groups.set(key, [call]);
  }
  return [...groups.values()];
}

function runGroup(queue: Queue, row: Shader, calls: readonly ShaderCall[]): void {
  const [{ buffers: first, numbers }] = calls;
  const names = Object.keys(first).filter((name) => first[name] !== null);
  const rows = calls.map(({ buffers }) => names.map((name) => buffers[name] as DeviceBuffer));
  const spans = calls.length < FEWEST ? [] : queue.gather(rows);
  const rest = new Set(calls);
  for (const { rows: members, columns } of spans) {
    let work = 0;
    for (const member of members) {
      work += calls[member].work;
      rest.delete(calls[member]);
    }
    const spanning = Object.fromEntries(names.map((name, c) => [name, columns[c]]));
    const count = quads(columns[0].length);
    queue.run(row, { ...first, ...spanning } as Record<string, DeviceBuffer>, numbers, { count, work });
  }
  runCalls(queue, row, [...rest]);
}
