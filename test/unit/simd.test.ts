// The headers of native/simd all have the same list of primitives, for those who port kernels to an
// instruction set.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const folder = new URL('../../../native/simd/', import.meta.url);
const headers = readdirSync(folder).sort();

/** The contents of a header, in order: types, constants, functions with the types of their parameters. */
function primitives(header: string): string[] {
  const names: string[] = [];
  for (const line of readFileSync(new URL(header, folder), 'utf8').split('\n')) {
    const type = line.match(/^(?:using|struct) (\w+)/);
    const constant = line.match(/^constexpr \w+ (\w+)/);
    const inline = line.match(/^INKHORN_INLINE (\w+ \w+\(.*?\)) \{/);
    const name = type?.[1] ?? constant?.[1] ?? inline?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}

test('every instruction set has the same primitives in the same order', () => {
  const [first, ...others] = headers.map((header) => ({ header, names: primitives(header) }));
  assert.ok(first !== undefined && others.length >= 2, `headers: ${headers}`);
  assert.ok(first.names.length > 50, `${first.header} has ${first.names.length} primitives`);
  for (const other of others) assert.deepEqual(other.names, first.names, `${other.header}, ${first.header}`);
});

test('kernels ask for no instruction set by name', () => {
  const kernels = new URL('../kernels/', folder);
  for (const file of readdirSync(kernels)) {
    const source = readFileSync(new URL(file, kernels), 'utf8');
    assert.doesNotMatch(source, /INKHORN_AVX|\b_mm\d*_/, `native/kernels/${file}: belongs in native/simd`);
  }
});
