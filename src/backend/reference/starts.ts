// Where each sequence of a batch begins. Read next: rope.ts.
import type { DeviceBuffer } from '../contract.ts';
import { i32 } from './buffer.ts';

/**
 * The position of the first token of each sequence: start + starts[b]. Throws where one of `starts` leaves
 * less than T of `capacity` positions.
 */
export function startsOf(
  kernel: string,
  { B, T, start }: { B: number; T: number; start: number },
  starts: DeviceBuffer | null | undefined,
  capacity: number,
): number[] {
  const own = starts ? i32(starts) : null;
  return Array.from({ length: B }, (_, b) => {
    const position = start + (own ? own[b] : 0);
    if (own && !(position >= 0 && position + T <= capacity))
      throw new Error(`${kernel}: starts[${b}] is ${own[b]}: ${T} from there do not fit ${capacity}`);
    return position;
  });
}
