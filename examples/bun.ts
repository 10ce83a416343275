// A model in four bits, in Bun: the bundled one, quantised by GPTQ, saved, and compared with what it was.
//
//   bun add inkhorn
//   bun bun.ts small
import { compare, dataset, load, quantize, save, useBackend } from 'inkhorn';
import { bundledModel, folderStore, loadCorpus } from 'inkhorn/node';

const [folder = 'small'] = Bun.argv.slice(2);
const { backend } = await useBackend();
console.log(backend.description);
const { model, tokenizer } = await load(bundledModel());
const { bytes } = await loadCorpus('moby-dick'); // better: the text of the model
const data = dataset(bytes.subarray(0, 60_000), tokenizer);

const small = await quantize(model, { bits: 4, calibration: data.train });
await save(folderStore(folder), { model: small, tokenizer });

const { parameters, validation } = await compare(model, small, data, { speedTokens: 0 });
console.log(`${parameters.ratio.toFixed(1)} times smaller: ${folder}`);
console.log(`${validation.before.loss.toFixed(3)} nats per token became ${validation.after.loss.toFixed(3)}`);
