// The list of engines that tests run on. An engine that does not work here is skipped, by name and reason.
import { after, describe } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createNative } from '../../src/backend/native/index.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { createWasm } from '../../src/backend/wasm/index.ts';
import type { WebgpuOptions } from '../../src/backend/webgpu/index.ts';
import { nodeWasmHost } from '../../src/platform/node-wasm.ts';
import { ON_WEBGPU } from './tolerances.ts';
import { createTestWebgpu } from './webgpu.ts';

type Create = (options?: WebgpuOptions) => Promise<Backend>;

/** An engine, and the variants in which it is tested. */
interface Row {
  name: string;
  create: Create;
  /** Settings on which its results must not depend, bit for bit. */
  alike: readonly WebgpuOptions[];
  /** False where it has no `readSync`. */
  blocks?: boolean;
  /** Accepted errors of families of kernels, where they are larger than those of the cases. */
  tolerances?: Readonly<Record<string, number>>;
  /** Its instruction sets, by the names that an environment variable takes. */
  instructionSets?: { variable: string; names: readonly string[] };
}

const ROWS: readonly Row[] = [
  { name: 'reference', create: async (options) => createReference(options), alike: [{}] },
  {
    name: 'native',
    create: createNative,
    alike: [1, 2, 3, 5].map((threads) => ({ threads })),
    instructionSets: { variable: 'INKHORN_ISA', names: ['amx', 'avx512', 'avx2', 'neon', 'portable'] },
  },
  {
    name: 'wasm',
    create: (options) => createWasm(nodeWasmHost(), options),
    alike: [1, 2, 3].map((threads) => ({ threads })),
    instructionSets: { variable: 'INKHORN_WASM', names: ['relaxed', 'simd128'] },
  },
];

/**
 * On whatever GPU is here. Passes are cut often, which makes no difference (behaviour/webgpu.test.ts).
 */
const WEBGPU: Row = {
  name: 'webgpu',
  create: createTestWebgpu,
  alike: [{ passWork: 1e6 }],
  blocks: false,
  tolerances: ON_WEBGPU,
};

/** What a page has that is not cross-origin isolated. */
const LONE_WASM: Row = {
  name: 'wasm without threads',
  create: (options) => createWasm({ ...nodeWasmHost(), alone: 'as in a page' }, options),
  alike: [{}],
};

/** All rows; only the native one where INKHORN_ADDON names the addon to be tested (scripts/sanitize.mjs). */
const tested = (rows: readonly Row[]): Row[] =>
  rows.filter(({ name }) => process.env.INKHORN_ADDON === undefined || name === 'native');

/** An engine that tests run on. */
export interface TestEngine extends Omit<Row, 'instructionSets'> {
  /** The reason why it cannot run here; false if it can. */
  skip: string | false;
}

/**
 * Every engine in its default variant but for WebGPU: without a GPU it takes minutes where others take
 * seconds.
 */
export function engines(): Promise<TestEngine[]> {
  return tried(tested(ROWS));
}

/**
 * Defines tests with `body` on every engine, in a suite for each: `training on native`. The engine, in its
 * default variant, is disposed of after them.
 */
export async function onEveryEngine(
  what: string,
  body: (backend: Backend, engine: TestEngine) => void,
): Promise<void> {
  for (const engine of await engines()) {
    const { name, create, skip } = engine;
    describe(`${what} on ${name}`, { skip }, async () => {
      if (skip) return; // Node runs the bodies of skipped suites
      const backend = await create();
      after(() => backend.dispose());
      body(backend, engine);
    });
  }
}

/** WebGPU. */
export async function webgpu(): Promise<TestEngine> {
  if (tested([WEBGPU]).length === 0) return { ...WEBGPU, skip: 'the addon is tested' };
  const [row] = await tried([WEBGPU]);
  return row;
}

/** Every engine with every instruction set: `native avx2`; and WASM without threads. */
function enginesByInstructionSet(): Promise<TestEngine[]> {
  return tried(
    tested([...ROWS, LONE_WASM]).flatMap(({ instructionSets, ...row }) =>
      instructionSets === undefined
        ? [row]
        : instructionSets.names.map((isa) => ({
            ...row,
            name: `${row.name} ${isa}`,
            create: compiledFor(instructionSets.variable, isa, row.create),
          })),
    ),
  );
}

/**
 * Those that a quick run tests, and the rest: of the instruction sets of an engine the best that works here;
 * the reference, which is slow, is in the rest. All are quick where the addon is tested.
 */
export async function enginesInTwo(): Promise<{ quick: TestEngine[]; rest: TestEngine[] }> {
  const all = await enginesByInstructionSet();
  if (process.env.INKHORN_ADDON !== undefined) return { quick: all, rest: [] };
  const works = all.filter(({ skip }) => skip === false);
  const best = ROWS.map(({ name }) => works.find((engine) => engine.name.startsWith(`${name} `)));
  const isQuick = (engine: TestEngine): boolean => engine.skip !== false || best.includes(engine);
  return { quick: all.filter(isQuick), rest: all.filter((engine) => !isQuick(engine)) };
}

/** `create`, with one instruction set. */
function compiledFor(variable: string, isa: string, create: Create): Create {
  return async (options) => {
    const before = process.env[variable];
    process.env[variable] = isa;
    try {
      return await create(options);
    } finally {
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
    }
  };
}

/** Creates each of them, one after the other: the instruction set is chosen for the whole process. */
async function tried(some: readonly Omit<TestEngine, 'skip'>[]): Promise<TestEngine[]> {
  const found: TestEngine[] = [];
  for (const row of some) found.push({ ...row, skip: await problem(row.create) });
  return found;
}

async function problem(create: Create): Promise<string | false> {
  try {
    (await create()).dispose();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}
