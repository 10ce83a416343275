// The engines that tests run on: all there are; one that does not work here is skipped, by name and reason.
import type { Backend, BackendOptions } from '../../src/backend/contract.ts';
import { createNative } from '../../src/backend/native/index.ts';
import { createReference } from '../../src/backend/reference/index.ts';

export interface TestEngine {
  name: string;
  create(options?: BackendOptions): Promise<Backend>;
  /** The reason why it cannot run here; false if it can. */
  skip: string | false;
}

/** Every engine, tried once. */
export async function engines(): Promise<TestEngine[]> {
  const all = [
    {
      name: 'reference',
      create: async (options?: BackendOptions): Promise<Backend> => createReference(options),
    },
    { name: 'native', create: (options?: BackendOptions): Promise<Backend> => createNative(options) },
  ];
  return Promise.all(all.map(async ({ name, create }) => ({ name, create, skip: await problem(create) })));
}

async function problem(create: () => Promise<Backend>): Promise<string | false> {
  try {
    (await create()).dispose();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}
