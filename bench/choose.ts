// Which preset and vocabulary suit how much text. Trains each preset on the beginning of a text, by its own
// recipe. Prints the best loss on the whole validation part (10 %) and the processor time of training, which
// hardly depends on how busy the machine is.
//   npm run bench -- choose [--data tiny-shakespeare] [--kilobytes 50,200,1115] [--presets tiny,speedrun]
//     [--vocab 500] [--seed 1337] [--threads 2] [--backend auto] [--precision f32] [--json]

import { formatCount } from '../src/base/format.ts';
import { formatTable } from '../src/cli/table.ts';
import { loadCorpus } from '../src/corpora/index.ts';
import { makeConfig, type PresetName, presets } from '../src/model/config.ts';
import { GPT } from '../src/model/gpt.ts';
import { Tokenizer } from '../src/tokenizer/index.ts';
import { dataset } from '../src/train/data.ts';
import { recipes } from '../src/train/settings.ts';
import { train } from '../src/train/train.ts';
import {
  count,
  describeMachine,
  machine,
  openEngine,
  readOptions,
  readPreset,
  trainingOptions,
} from './support/program.ts';

/** One run. */
interface Choice {
  kilobytes: number;
  preset: PresetName;
  vocabSize: number;
  parameters: number;
  /** Best losses of the run, nats per token and bits per byte of the validation part. */
  loss: number;
  bitsPerByte: number;
  /** Of all threads together, including evaluations. */
  coreMinutes: number;
}

const options = readOptions({
  ...trainingOptions,
  kilobytes: { type: 'string', default: '50,200,1115' },
  presets: { type: 'string', default: 'tiny,speedrun' },
  vocab: { type: 'string', default: '500' },
  precision: { type: 'string', default: 'f32' },
});
const list = (text: string): string[] => text.split(',').filter((part) => part !== '');
const wanted = list(options.presets).map((name) => readPreset('presets', name));
const seed = count('seed', options.seed);
const backend = await openEngine(options);
const { bytes } = await loadCorpus(options.data);

const choices: Choice[] = [];
for (const size of list(options.kilobytes)) {
  for (const preset of wanted) {
    for (const vocab of list(options.vocab)) {
      choices.push(await choose(count('kilobytes', size), preset, count('vocab', vocab)));
      if (!options.json) console.error(show(choices.at(-1) as Choice).join('  '));
    }
  }
}
backend.dispose();
if (options.json) console.log(JSON.stringify({ machine: machine(), choices }));
else {
  console.log(`${describeMachine()}; ${backend.description}`);
  const head = ['text', 'preset', 'vocabulary', 'parameters', 'nats/token', 'bits/byte', 'core minutes'];
  for (const line of formatTable(head, choices.map(show))) console.log(line);
}

async function choose(kilobytes: number, preset: PresetName, vocabSize: number): Promise<Choice> {
  const before = process.cpuUsage();
  const text = bytes.subarray(0, kilobytes * 1000);
  const tokenizer = Tokenizer.train(text, { vocabSize });
  const data = dataset(text, tokenizer);
  const model = new GPT(makeConfig(presets[preset], tokenizer.vocabSize), { seed, backend });
  const settings = { ...recipes[preset], seed, probeEvery: 0, sampleEvery: 0 };
  const best = { loss: Number.POSITIVE_INFINITY, bitsPerByte: Number.POSITIVE_INFINITY };
  for await (const event of train({ model, data, tokenizer, ...settings })) {
    if (event.type !== 'eval' || event.valLoss >= best.loss) continue;
    Object.assign(best, { loss: event.valLoss, bitsPerByte: event.bitsPerByte });
  }
  const { user, system } = process.cpuUsage(before);
  const parameters = model.parameterCount;
  model.dispose();
  return { kilobytes, preset, vocabSize, parameters, ...best, coreMinutes: (user + system) / 6e7 };
}

function show({
  kilobytes,
  preset,
  vocabSize,
  parameters,
  loss,
  bitsPerByte,
  coreMinutes,
}: Choice): string[] {
  const minutes = coreMinutes.toFixed(coreMinutes < 10 ? 1 : 0);
  return [
    `${kilobytes} kB`,
    preset,
    String(vocabSize),
    formatCount(parameters),
    loss.toFixed(3),
    bitsPerByte.toFixed(3),
    minutes,
  ];
}
