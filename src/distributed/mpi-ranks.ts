// The ranks of an MPI job: messages between them, and how a job ends. Read next: ../train/communicator.ts.
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { bytesOf, type Communicator, gather } from '../train/communicator.ts';
import { LARGEST_MESSAGE, type Mpi, type Request } from './mpi.ts';

/** One rank's end. */
export interface MpiRanks extends Communicator {
  /** Name of this machine. */
  readonly host: string;
  /** Aborted when a message was lost; its reason says so. */
  readonly lost: AbortSignal;
  /**
   * Leaves the job together with all others, with the exit code of rank 0, to which it resolves. Who comes
   * first waits without using a core.
   */
  leave(code: number): Promise<number>;
  /** Ends the processes of all ranks. */
  abort(code: number): void;
}

/** Messages up to this size may be waited for with pauses: others come only after one of these. */
const SMALL = 2 ** 16;

/** Milliseconds of waiting for a small message without pauses. */
const AT_ONCE_MS = 0.3;

/** Looks at the requests in a row, between which the event loop does not turn. */
const LOOKS = 20;

/** The communicator over an initialised library. */
export function mpiRanks(mpi: Mpi): MpiRanks {
  const { rank, size, host } = mpi;
  const controller = new AbortController();
  const lose = (error: Error): never => {
    const lost = new Error(`rank ${rank} (${host}) has lost the other ranks: ${error.message}`);
    controller.abort(lost);
    throw lost;
  };
  const ranks: MpiRanks = {
    rank,
    size,
    host,
    lost: controller.signal,
    async exchange(peer, send, receive, signal) {
      controller.signal.throwIfAborted();
      try {
        const requests = begin(mpi, peer, send, receive);
        await settle(mpi, requests, Math.max(send.length, receive.length) <= SMALL, signal);
      } catch (error) {
        if (signal?.aborted && error === signal.reason) throw error;
        lose(error as Error);
      }
    },
    async leave(code) {
      const codes = await gather(ranks, bytesOf(Int32Array.of(code)));
      mpi.finalize();
      return new Int32Array(codes[0].buffer, codes[0].byteOffset, 1)[0];
    },
    abort: (code) => mpi.abort(code),
  };
  return ranks;
}

/** Receives are ready before anything is sent, so that a large message goes straight to its place. */
function begin(mpi: Mpi, peer: number, send: Uint8Array, receive: Uint8Array): Request[] {
  const pieces = (bytes: Uint8Array): Uint8Array[] =>
    Array.from({ length: Math.ceil(bytes.length / LARGEST_MESSAGE) }, (_, i) =>
      bytes.subarray(i * LARGEST_MESSAGE, (i + 1) * LARGEST_MESSAGE),
    );
  return [
    ...pieces(receive).map((bytes) => mpi.receive(bytes, peer)),
    ...pieces(send).map((bytes) => mpi.send(bytes, peer)),
  ];
}

/** Waits until all requests are done. Libraries move messages only while one of their functions is called. */
async function settle(
  mpi: Mpi,
  requests: readonly Request[],
  small: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const begun = performance.now();
  let open = requests;
  for (;;) {
    for (let look = 0; look < LOOKS && open.length > 0; look++)
      open = open.filter((request) => !mpi.isDone(request));
    if (open.length === 0) return;
    if (signal?.aborted) {
      abandoned.push(...open);
      signal.throwIfAborted();
    }
    if (small && performance.now() - begun > AT_ONCE_MS) await pause(1);
    else await turn();
  }
}

/** What the library may still write to, until the process ends. */
const abandoned: Request[] = [];
