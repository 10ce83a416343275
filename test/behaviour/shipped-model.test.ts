// The bundled model agrees with its card, on the text that it was trained on, where that text is on this
// machine.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { SHIPPED_MODEL } from '../../src/cli/models.ts';
import { folderStore } from '../../src/io/node-store.ts';
import { loadModel, loadTokenizer, tokenizerFiles } from '../../src/model/folder.ts';
import { createBackend } from '../../src/platform/node-engines.ts';
import { dataset } from '../../src/train/data.ts';
import { evaluate } from '../../src/train/evaluate.ts';

const TEXT = '../shared/data/tinyshakespeare.txt';

interface Card {
  data: { sha256: string; trainFraction: number; validate: 'validation' | 'inner' };
  parameters: number;
  validation: { loss: number; bitsPerByte: number };
}

describe('the shipped model', () => {
  const card = JSON.parse(readFileSync(`${SHIPPED_MODEL}/card.json`, 'utf8')) as Card;

  test('has as many parameters as its card says, at most 3.6 million, and the vocabulary of the seed', async () => {
    const { backend } = await createBackend('reference');
    const { model } = await loadModel(folderStore(SHIPPED_MODEL), { backend });
    assert.equal(model.parameterCount, card.parameters);
    assert.ok(card.parameters <= 3.6e6);
    assert.equal(model.config.vocabSize, 500);
    model.dispose();
  });

  test('has the files of every model folder, as they are written today', async () => {
    const tokenizer = await loadTokenizer(folderStore(SHIPPED_MODEL));
    for (const [name, bytes] of tokenizerFiles(tokenizer))
      assert.deepEqual(new Uint8Array(readFileSync(`${SHIPPED_MODEL}/${name}`)), bytes, name);
  });

  test('has the validation loss of its card', {
    skip: !existsSync(TEXT) && `${TEXT} is not here`,
  }, async (t) => {
    const { backend } = await createBackend('auto');
    if (backend.name === 'reference')
      return t.skip('the native engine is not built: this would take minutes');
    const { model, tokenizer } = await loadModel(folderStore(SHIPPED_MODEL), { backend });
    const bytes = readFileSync(TEXT);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), card.data.sha256);
    const { trainFraction, validate } = card.data;
    const data = dataset(bytes, tokenizer, { trainFraction, validate });
    const { loss } = await evaluate(model, data.val);
    assert.ok(Math.abs(loss - card.validation.loss) < 1e-4, `${loss}, its card says ${card.validation.loss}`);
    assert.ok(Math.abs(loss / Math.LN2 / data.valBytesPerToken - card.validation.bitsPerByte) < 1e-4);
    model.dispose();
    backend.dispose();
  });
});
