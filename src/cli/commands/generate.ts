// `inkhorn generate`: prints text from a model while it is generated.
import { formatAmount, formatPercent, formatShort } from '../../base/format.ts';
import { type FinishEvent, type GenerateEvent, generate, type TokenEvent } from '../../generate/generate.ts';
import { checkStart, checkTop, generateFields } from '../../generate/options.ts';
import { type SamplingOptions, samplingFields } from '../../generate/sampler.ts';
import { type Edit, steadyEdits } from '../../inspect/edit.ts';
import { parseEdit } from '../../inspect/edit-text.ts';
import { loadConfig, type ModelFolder } from '../../model/folder.ts';
import { printable, type Tokenizer } from '../../tokenizer/index.ts';

import { type Context, defineCommand } from '../command.ts';
import { announceEngine, engineFlags, withEngine } from '../engine.ts';
import { asked, misuse } from '../errors.ts';
import { type Flags, flagOf, flagsOf, texts } from '../flags.ts';
import { chosenFlags, findCheckpoint, openModel } from '../models.ts';
import type { Output } from '../output.ts';
import { promptFlags, readPrompt } from '../prompt-input.ts';
import { checkSpecial, encodeWords, specialFlags } from '../special.ts';

const flags = {
  ...chosenFlags,
  ...promptFlags,
  start: flagOf(generateFields, 'start', { initial: 'text' }),
  heal: flagOf(generateFields, 'heal'),
  tokens: flagOf(generateFields, 'maxTokens', { short: 'n' }),
  ...flagsOf(samplingFields),
  stop: flagOf(generateFields, 'stop'),
  seed: flagOf(generateFields, 'seed'),
  samples: flagOf(generateFields, 'samples'),
  overflow: flagOf(generateFields, 'overflow'),
  edit: texts({
    about:
      "change a value inside, at every position: 'blocks.0.attn.heads[2]=0' (see `inspect edit`); several times",
    argument: '<edit>',
  }),
  logprobs: flagOf(generateFields, 'topLogprobs'),
  ...specialFlags,
  ...engineFlags,
} satisfies Flags;

type Given = Context<typeof flags>['flags'];

export const generateCommand = defineCommand({
  examples: [
    ['generate --model runs/first --prompt "ROMEO:"', '256 tokens from the best checkpoint'],
    ['generate -m runs/first --tokens 1000 --temperature 0.8 --top-p 0.95', 'a little bolder'],
    ["generate -m runs/first -p 'To be' --stop $'\\n' --samples 5", 'five ways to end a line'],
    ['generate -m runs/first -p ROMEO --tokens 8 --logprobs 3', 'what else it might have said'],
    [
      "generate -p ROMEO: --edit 'blocks.{0,1}.attn.out=0'",
      'the text when the attention of two blocks adds nothing',
    ],
    ['generate --prompt-file start.txt', 'continues a file; `echo ROMEO: | inkhorn generate` from a pipe'],
    ['generate -m runs/first --json', 'events, one per line'],
  ],
  flags,
  meant: (_, place) => (place === 'folder' ? '--model' : '--prompt'),
  async run(context: Context<typeof flags>): Promise<void> {
    const { flags: written, output } = context;
    const edits = await asked(() => written.edit && editsOf(written.edit));
    checkSpecial(written);
    const found = await findCheckpoint(written, output);
    const config = await loadConfig(found.store);
    const tap = await asked(() => {
      checkTop(written.logprobs ?? 0, config.vocabSize);
      return edits && steadyEdits(edits, config);
    });
    await withEngine(written, async (engine) => {
      const given = { ...written, prompt: await readPrompt(written, output) };
      await asked(() => checkStart(given.start, (given.prompt ?? '') !== ''));
      const backend = announceEngine(engine, output);
      const model = await openModel(found, backend, output);
      const options = {
        ...samplingOf(given),
        tap,
        prompt: encodeWords(model.tokenizer, given.prompt ?? '', given),
        start: given.start,
        heal: given.heal ?? true,
        maxTokens: given.tokens,
        stop: given.stop,
        seed: given.seed,
        samples: given.samples,
        topLogprobs: given.logprobs,
        overflow: given.overflow,
        signal: context.signal, // read only now: until here Ctrl-C ends the command at once
      };
      const begun = performance.now();
      const events = await asked(() => generate(model.model, model.tokenizer, options));
      const tokens = await show(events, given, model, output);
      const seconds = (performance.now() - begun) / 1000;
      output.data({ type: 'summary', tokens, seconds, tokensPerSecond: tokens / seconds });
      output.note(
        `${formatAmount(tokens, 'token')} in ${seconds.toFixed(2)} s, ${formatShort(tokens / seconds)} tokens/s, the reading of the prompt included`,
      );
    });
  },
});

/** The edits of `--edit`, in the form for generation. */
function editsOf(written: readonly string[]): Edit[] {
  return written.map(parseEdit).map(({ change, ...where }): Edit => {
    if ('from' in change)
      throw misuse(
        `${where.tap}<-...: a value of another text belongs to its positions: inspect edit takes it`,
      );
    return { ...where, change };
  });
}

function samplingOf(given: Given): SamplingOptions {
  const { temperature, topK, topP, minP, repetitionPenalty } = given;
  return { temperature, topK, topP, minP, repetitionPenalty };
}

/** Prints the events. Resolves to the number of tokens drawn. */
async function show(
  events: AsyncIterable<GenerateEvent>,
  given: Given,
  { model, tokenizer }: ModelFolder,
  output: Output,
): Promise<number> {
  const { prompt = '', samples = 1, logprobs = 0 } = given;
  let tokens = 0;
  let started = -1;
  for await (const event of events) {
    output.data(event);
    if (event.type === 'start') {
      if (event.promptDropped > 0) {
        output.note(
          `the prompt has ${formatAmount(event.promptTokens, 'token')}, the context ${model.config.blockSize}: the first ${event.promptDropped === 1 ? 'is' : `${event.promptDropped} are`} not seen`,
        );
      }
      continue;
    }
    if (event.sample !== started) {
      started = event.sample;
      if (samples > 1) output.print(output.colors.cyan(`--- sample ${started + 1} of ${samples} ---`));
      if (logprobs === 0) output.speak(prompt, output.colors.bold);
    }
    if (event.type === 'token') {
      tokens++;
      if (logprobs > 0) output.print(tokenLine(event, tokenizer));
    }
    if (logprobs === 0) output.speak(event.text);
    if (event.type === 'finish') output.print(logprobs === 0 ? '' : ending(event));
  }
  return tokens;
}

/** `␣the              66.4 %   ␣the 66.4 %, ␣my 12.1 %`. */
function tokenLine({ id, logprob, top = [] }: TokenEvent, tokenizer: Tokenizer): string {
  const shown = (token: number): string => printable(tokenizer.token(token));
  const chance = (choice: { logprob: number }): string => formatPercent(Math.exp(choice.logprob));
  const others = top.map((other) => `${shown(other.id)} ${chance(other)}`);
  return `${shown(id).padEnd(16)} ${chance({ logprob }).padStart(7)}   ${others.join(', ')}`;
}

function ending({ reason, tokens, stop }: FinishEvent): string {
  return `(${formatAmount(tokens, 'token')}, ended by ${stop === null ? reason : JSON.stringify(stop)})`;
}
