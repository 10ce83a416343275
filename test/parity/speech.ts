// The greedy text of the bundled model, which is the same on every engine, whole and quantised.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '../../src/backend/contract.ts';
import { createReference } from '../../src/backend/reference/index.ts';
import { SHIPPED_MODEL } from '../../src/cli/models.ts';
import { generate } from '../../src/generate/generate.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { loadModel } from '../../src/model/folder.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import type { TestEngine } from '../support/engines.ts';

let wanted: Promise<string[]> | undefined;

/** Tests that an engine says what the reference says. */
export function speechTest({ name, create, skip }: TestEngine): void {
  test(`${name}: the bundled model says what it says on reference`, { skip }, async () => {
    wanted ??= speech(createReference());
    assert.deepEqual(await speech(await create({ threads: 2 })), await wanted);
  });
}

/**
 * 16 tokens of the bundled model after `ROMEO:`, the likeliest each; then with 8 and with 4 bits. Disposes of
 * the engine.
 */
async function speech(backend: Backend): Promise<string[]> {
  const { model, tokenizer } = await loadModel(folderStore(SHIPPED_MODEL), { backend });
  const copies = [model, await quantize(model), await quantize(model, { bits: 4, method: 'rtn' })];
  const texts: string[] = [];
  for (const copy of copies) {
    let text = '';
    for await (const e of generate(copy, tokenizer, { prompt: 'ROMEO:', maxTokens: 16, temperature: 0 }))
      if (e.type === 'token') text += e.text;
    texts.push(text);
  }
  backend.dispose();
  for (const text of texts) assert.ok(text.length > 20, text);
  return texts;
}
