// One engine against the reference: the tests of engines.test.ts and webgpu.long.test.ts.
import { after, before, describe, test } from 'node:test';
import type { Backend, HostArray, Precision } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import type { TestEngine } from '../support/engines.ts';
import { backendTests } from './backend.ts';
import { families } from './cases/index.ts';
import { programTests } from './programs.ts';
import { assertSame, type Case, compareOutputs, DEFAULT_TOLERANCE, runCase } from './support.ts';

/**
 * Families of kernels that depend on the precision, and their tolerance: a sum near a tie may be rounded
 * either way.
 */
const IN_BF16: Record<string, number> = { matmul: 1e-5, attention: 5e-3 };

/** Every test of an engine, on the cases that `chosen` accepts. */
export function engineTests(engine: TestEngine, chosen: (c: Case) => boolean = () => true): void {
  describe(engine.name, { skip: engine.skip }, () => {
    backendTests(() => engine.create(), engine);
    programTests(() => engine.create());
    for (const [family, cases] of Object.entries(families))
      familyTests(engine, family, cases.filter(chosen), 'f32');
    describe('in bf16', () => programTests(() => engine.create({ precision: 'bf16' })));
    for (const [family, tolerance] of Object.entries(IN_BF16)) {
      const cases = families[family].filter(chosen).map((c) => ({ ...c, tolerance }));
      familyTests(engine, family, cases, 'bf16');
    }
  });
}

/** Cases of a kernel and its variants that a quick run takes. */
const FEW = 2;

/** Accepts the first cases of each kernel and of each of its variants. */
export function firstCases(): (c: Case) => boolean {
  const seen = new Map<string, number>();
  return ({ name }) => {
    const kind = name.replace(/[\d.]+/g, '');
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    return (seen.get(kind) ?? 0) <= FEW;
  };
}

function familyTests(
  { name, create, alike, tolerances = {} }: TestEngine,
  family: string,
  cases: Case[],
  precision: Precision,
): void {
  describe(`${name} ${family} in ${precision}`, () => {
    const opened: Backend[] = [];
    before(async () => {
      for (const options of alike) opened.push(await create({ ...options, precision }));
    });
    after(() => {
      for (const backend of opened) backend.dispose();
    });
    for (const c of cases) {
      const tolerance = Math.max(c.tolerance ?? DEFAULT_TOLERANCE, tolerances[family] ?? 0);
      test(c.name, () => agree({ ...c, tolerance }, opened));
    }
  });
}

/** All of them give the reference's result, and all the same bits; recorded programs too. */
async function agree(c: Case, [one, ...others]: readonly Backend[]): Promise<void> {
  const first = await runCase(one, c);
  compareOutputs(c, first, await referenceResult(one.precision, c));
  const same = (result: Record<string, HostArray>, how: string): void => {
    for (const name of Object.keys(first)) assertSame(result[name], first[name], `${c.name}: ${name} ${how}`);
  };
  const against = `against ${one.description}`;
  for (const other of others) same(await runCase(other, c), `by ${other.description}, ${against}`);
  const last = others.at(-1);
  for (const backend of last ? [one, last] : [one])
    same(await runCase(backend, c, 'recorded'), `recorded, by ${backend.description}, ${against}`);
}

const references: Record<Precision, Backend> = {
  f32: createReference(),
  bf16: createReference({ precision: 'bf16' }),
};
const wanted = new Map<string, Promise<Record<string, HostArray>>>();

/** The results of the definition, computed once. */
function referenceResult(precision: Precision, c: Case): Promise<Record<string, HostArray>> {
  const key = `${precision} ${c.name}`;
  const known = wanted.get(key) ?? runCase(references[precision], c);
  wanted.set(key, known);
  return known;
}
