// Calls of one kernel, one after the other on different buffers, become one dispatch: an optimizer updates
// sixty parameters, most of them tiny, and a dispatch costs as much as updating one. Read next: queue.ts.
import type { DeviceBuffer } from '../contract.ts';
import type { BuffersOf, Queue } from './queue.ts';
import { type BufferType, joined, LANES, type NumberType, type Shader } from './shader.ts';

/** One call of a shader. */
export interface ShaderCall {
  buffers: Readonly<Record<string, DeviceBuffer | null>>;
  numbers: Readonly<Record<string, number>>;
  /** Its threads, or groups. */
  count: number;
  work: number;
}

/** Most storage buffers of a shader. */
const MOST_BUFFERS = 8;

/**
 * Runs `row` together with the calls like it before and after. Only for rows without constants and helpers.
 */
export function runJoined<B extends Record<string, BufferType>, N extends Record<string, NumberType>>(
  queue: Queue,
  row: Shader<B, N>,
  buffers: BuffersOf<B>,
  numbers: { readonly [K in keyof N]: number },
  { count, work = 8 * count }: { count: number; work?: number },
): void {
  if (count === 0) return;
  const all = Object.values(buffers) as (DeviceBuffer | null)[];
  const uses = all.filter((buffer) => buffer !== null);
  queue.collect<ShaderCall>(row.name, { buffers, numbers, count, work }, uses, (calls) =>
    runCalls(queue, row, calls),
  );
}

/** Runs calls of `row` in as few dispatches as their buffers allow. A buffer that all have is bound once. */
export function runCalls(queue: Queue, row: Shader, calls: readonly ShaderCall[]): void {
  const [first, second] = calls.map(({ buffers }) => buffers);
  const names = Object.keys(row.buffers);
  const common = names.filter((name) => second && first[name] === second[name]).length;
  const most = Math.floor((MOST_BUFFERS - common) / (names.length - common));
  for (let i = 0; i < calls.length; i += most) runTogether(queue, row, calls.slice(i, i + most));
}

function runTogether(queue: Queue, row: Shader, calls: readonly ShaderCall[]): void {
  const [first] = calls;
  if (calls.length === 1) {
    queue.run(row, first.buffers as Record<string, DeviceBuffer>, first.numbers, first);
    return;
  }
  const buffers: Record<string, DeviceBuffer | null> = {};
  const numbers: Record<string, number> = {};
  let end = 0;
  let work = 0;
  for (const [k, call] of calls.entries()) {
    for (const [name, buffer] of Object.entries(call.buffers)) buffers[`${name}_${k}`] = buffer;
    for (const [name, number] of Object.entries(call.numbers)) numbers[`${name}_${k}`] = number;
    // A group has threads of one call only.
    end += row.per === 'group' ? call.count : Math.ceil(call.count / LANES) * LANES;
    numbers[`count_${k}`] = call.count;
    numbers[`end_${k}`] = end;
    work += call.work;
  }
  queue.run(shaderOf(row, calls.length), buffers as Record<string, DeviceBuffer>, numbers, {
    count: end,
    work,
  });
}

const shaders = new Map<string, Shader>();
function shaderOf(row: Shader, n: number): Shader {
  const key = `${row.name} ${n}`;
  const known = shaders.get(key) ?? joined(row, n);
  shaders.set(key, known);
  return known;
}
