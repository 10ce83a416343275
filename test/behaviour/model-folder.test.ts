// A stored model is read back: float32 bit for bit, matrices in bfloat16 rounded.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { fromBfloat16, toBfloat16 } from '../../src/io/floats.ts';
import { memoryStore } from '../../src/io/store.ts';
import { makeConfig, presets } from '../../src/model/config.ts';
import { loadModel, MODEL_FILE, type SaveOptions, saveModel } from '../../src/model/folder.ts';
import { GPT } from '../../src/model/gpt.ts';
import { namedParameters } from '../../src/nn/parameters.ts';
import { useBackend } from '../../src/platform/node-engines.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { valuesOf } from '../support/values.ts';

const size = { blockSize: 16, nLayer: 2, nHead: 2, nEmbd: 24, headSize: 12 };

/** Saves and loads; returns the model and the size of the file. */
async function roundTrip(model: GPT, options: SaveOptions): Promise<{ back: GPT; bytes: number }> {
  const store = memoryStore();
  const tokenizer = Tokenizer.train('the cat sat on the mat', { vocabSize: model.config.vocabSize });
  await saveModel(store, { model, tokenizer }, options);
  return { back: (await loadModel(store)).model, bytes: (await store.read(MODEL_FILE)).length };
}

describe('a model folder', () => {
  let model: GPT;
  before(async () => {
    await useBackend('reference');
    model = new GPT(makeConfig(presets.seed, 260, size), { seed: 7 });
  });

  test('gives float32 back bit for bit', async () => {
    const { back } = await roundTrip(model, {});
    for (const [name, weight] of namedParameters(model)) {
      assert.deepEqual(valuesOf(namedParameters(back).get(name)), valuesOf(weight), name);
    }
  });

  test('stores matrices in bfloat16 when asked, in about half the bytes, and vectors in float32', async () => {
    const { back, bytes } = await roundTrip(model, { matrices: 'bf16' });
    assert.ok(bytes < 0.6 * (await roundTrip(model, {})).bytes);
    for (const [name, weight] of namedParameters(model)) {
      const given = valuesOf(weight) as Float32Array;
      const expected = weight.shape.length < 2 ? given : fromBfloat16(toBfloat16(given));
      assert.deepEqual(valuesOf(namedParameters(back).get(name)), expected, name);
    }
  });

  test('has tokenizer_config.json, which other tools want beside a tokenizer', async () => {
    const config = async (...specialTokens: string[]): Promise<unknown> => {
      const store = memoryStore();
      const tokenizer = new Tokenizer({ merges: [], specialTokens });
      const small = new GPT(makeConfig(presets.seed, tokenizer.vocabSize, size));
      await saveModel(store, { model: small, tokenizer });
      small.dispose();
      assert.deepEqual(await store.list(), [
        'config.json',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
      ]);
      return JSON.parse(new TextDecoder().decode(await store.read('tokenizer_config.json')));
    };
    const always = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false };
    assert.deepEqual(await config(), always);
    assert.deepEqual(await config('<|end|>'), { ...always, eos_token: '<|end|>' });
    assert.deepEqual(await config('<|a|>', '<|endoftext|>'), { ...always, eos_token: '<|endoftext|>' });
    assert.deepEqual(await config('<|a|>', '<|b|>'), always, 'nothing says which one ends a document');
  });
});
