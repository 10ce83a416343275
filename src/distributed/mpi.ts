// The functions of an MPI library that Inkhorn calls, through koffi. Handles are the addresses of the
// library's variables in Open MPI, fixed numbers in MPICH and its kin. Read next: mpi-ranks.ts.
import type { LibraryHandle } from 'koffi';
import { whyNotLoaded } from '../base/node-command.ts';
import type { Launch } from './launcher.ts';

/** A library, initialised. */
export interface Mpi {
  rank: number;
  size: number;
  /** Name of the machine. */
  host: string;
  /** Begins to send or receive; `bytes` stay as they are until `isDone`. */
  send(bytes: Uint8Array, peer: number): Request;
  receive(bytes: Uint8Array, peer: number): Request;
  /** Lets the library work, and tells whether the message has gone, or come. */
  isDone(request: Request): boolean;
  /** Ends the use. Returns when all ranks have called it. */
  finalize(): void;
  /** Ends the processes of all ranks, also this one. */
  abort(code: number): void;
}

/** A message on its way: the library's handle, and what must not be collected as garbage meanwhile. */
export interface Request {
  handle: Uint8Array;
  bytes: Uint8Array;
}

/** Constants of `mpi.h`, as both kinds of libraries compile them. */
interface Abi {
  world: bigint;
  byte: bigint;
  errorsReturn: bigint;
  statusIgnore: bigint;
}

/** Of MPICH, Intel MPI and others with their common ABI: numbers. */
const MPICH_ABI: Abi = {
  world: 0x44000000n,
  byte: 0x4c00010dn,
  errorsReturn: 0x54000001n,
  statusIgnore: 1n,
};

/** Where libraries are, by the launcher whose processes they are for. */
const LIBRARIES: Readonly<Record<Launch['by'], readonly string[]>> = {
  'Open MPI': ['libmpi.so.40', 'libmpi.40.dylib', 'libmpi.dylib'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib'],
};

/** What to install, for messages. */
const PACKAGES: Readonly<Record<Launch['by'], string>> = {
  'Open MPI': 'apt-get install openmpi-bin',
  MPICH: 'apt-get install mpich',
};

/** What the `koffi` package is to us. */
type Koffi = typeof import('koffi');

/** Loads and initialises the library of the launcher, or the one that `INKHORN_MPI` names. */
export async function openMpi({ by, size }: Launch): Promise<Mpi> {
  const koffi = await loadKoffi();
  const mpi = initialise(koffi, by);
  if (mpi.size === size) return mpi;
  throw new Error(
    `the MPI library sees ${mpi.size} processes, ${by}'s mpirun started ${size}: they belong to different installations; INKHORN_MPI can name the library's file`,
  );
}

async function loadKoffi(): Promise<Koffi> {
  try {
    return await import('koffi');
  } catch (error) {
    throw new Error(`several processes need a package to talk by: ${whyNotLoaded('koffi', error)}`);
  }
}

function initialise(koffi: Koffi, by: Launch['by']): Mpi {
  const { library, file } = loadLibrary(koffi, by);
  try {
    return bind(koffi, library);
  } catch (error) {
    throw new Error(
      `${file} does not work as the library of ${by} (${firstLine(error)}): INKHORN_MPI can name its file`,
    );
  }
}

function loadLibrary(koffi: Koffi, by: Launch['by']): { library: LibraryHandle; file: string } {
  const named = process.env.INKHORN_MPI;
  const tried = named ? [named] : LIBRARIES[by];
  let problem = '';
  for (const file of tried) {
    try {
      return { library: koffi.load(file), file };
    } catch (error) {
      problem ||= firstLine(error);
    }
  }
  throw new Error(
    `the library of ${by}, ${tried[0]}, does not load (${problem}): ${PACKAGES[by]}, or name its file by INKHORN_MPI`,
  );
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0];
}

/** Room for what a function writes: never moved, unlike the smallest typed arrays. */
function room(bytes: number): ArrayBuffer {
  return new ArrayBuffer(Math.max(128, bytes));
}

/** Bytes of one message at most: counts are 32-bit. */
export const LARGEST_MESSAGE: number = 2 ** 30;

const THREAD_FUNNELED = 1;

function bind(koffi: Koffi, library: LibraryHandle): Mpi {
  const call = (definition: string): ((...args: unknown[]) => void) => {
    const fn = library.func(`int ${definition}`);
    const [name] = definition.split('(');
    return (...args) => {
      const code = fn(...args);
      if (code !== 0) throw new Error(`${name} failed with code ${code}`);
    };
  };
  const { world, byte, errorsReturn, statusIgnore } = abiOf(koffi, library);
  const provided = new Int32Array(room(4));
  call('MPI_Init_thread(intptr_t argc, intptr_t argv, int required, void *provided)')(
    0n,
    0n,
    THREAD_FUNNELED,
    provided,
  );
  // The default ends the process at once, before it could save.
  call('MPI_Comm_set_errhandler(intptr_t comm, intptr_t handler)')(world, errorsReturn);
  const out = new Int32Array(room(4));
  const numberOf = (name: string): number => {
    call(`${name}(intptr_t comm, void *out)`)(world, out);
    return out[0];
  };
  const message = 'void *bytes, int count, intptr_t type, int peer, int tag, intptr_t comm, void *request';
  const [isend, irecv] = [call(`MPI_Isend(${message})`), call(`MPI_Irecv(${message})`)];
  const test = call('MPI_Test(void *request, void *flag, intptr_t status)');
  const begin = (fn: typeof isend, bytes: Uint8Array, peer: number): Request => {
    const handle = new Uint8Array(room(8));
    fn(bytes, bytes.length, byte, peer, 0, world, handle);
    return { handle, bytes };
  };
  return {
    rank: numberOf('MPI_Comm_rank'),
    size: numberOf('MPI_Comm_size'),
    host: hostName(call),
    send: (bytes, peer) => begin(isend, bytes, peer),
    receive: (bytes, peer) => begin(irecv, bytes, peer),
    isDone({ handle }): boolean {
      test(handle, out, statusIgnore);
      return out[0] !== 0;
    },
    finalize: call('MPI_Finalize()'),
    abort: (code) => call('MPI_Abort(intptr_t comm, int code)')(world, code),
  };
}

function abiOf(koffi: Koffi, library: LibraryHandle): Abi {
  const address = (name: string): bigint => koffi.address(library.symbol(name));
  try {
    return {
      world: address('ompi_mpi_comm_world'),
      byte: address('ompi_mpi_byte'),
      errorsReturn: address('ompi_mpi_errors_return'),
      statusIgnore: 0n,
    };
  } catch {
    return MPICH_ABI;
  }
}

/** More than MPI_MAX_PROCESSOR_NAME of any library. */
const NAME_ROOM = 1024;

function hostName(call: (definition: string) => (...args: unknown[]) => void): string {
  const name = new Uint8Array(room(NAME_ROOM));
  const length = new Int32Array(room(4));
  call('MPI_Get_processor_name(void *name, void *length)')(name, length);
  return new TextDecoder().decode(name.subarray(0, length[0]));
}
