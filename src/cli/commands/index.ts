// Every command, in the order of the help, with what a list of commands shows of it. The rest of a command
// (its flags, its examples, what it does) is loaded when a command line names it.
import type { CommandHead, CommandSpec } from '../command.ts';

/** A command of the list. */
export interface ListedCommand extends CommandHead {
  /** Its flags, examples and action. */
  load(): Promise<CommandSpec>;
}

const dataList = {
  about: 'list the texts that have a name; --data takes these, files, folders, patterns and standard input',
  load: async () => (await import('./data.ts')).dataList,
} satisfies Partial<ListedCommand>;

export const commands: readonly ListedCommand[] = [
  {
    name: 'demo',
    about: 'the whole path in about two minutes: tokenizer, training, a sample, INT8, a report',
    load: async () => (await import('./demo.ts')).demo,
  },
  { name: 'data', ...dataList },
  {
    name: 'data fetch',
    about: 'download a text that has a name, once, and check that it is the right one',
    args: [['<name>', 'a name that `inkhorn data` lists']],
    load: async () => (await import('./data.ts')).dataFetch,
  },
  {
    name: 'data show',
    about: 'the first lines of a text, and what it amounts to',
    args: [['<text...>', 'files, folders, patterns, - for standard input, or names: one after the other']],
    load: async () => (await import('./data.ts')).dataShow,
  },
  {
    name: 'data encode',
    about: 'a text of any size as a file of tokens, on all cores; a killed command goes on where it was',
    args: [['<text...>', 'files (also .gz, .zst), folders, patterns, - for standard input, or names']],
    load: async () => (await import('./data-encode.ts')).dataEncode,
  },
  { name: 'data list', ...dataList },
  {
    name: 'tokenizer train',
    about: 'learn a byte-level BPE tokenizer from a text',
    load: async () => (await import('./tokenizer-train.ts')).tokenizerTrain,
  },
  {
    name: 'tokenizer encode',
    about:
      'the tokens of a text, and the compression ratio; the text is an argument, --file, or standard input',
    args: [['[text]', 'what to encode']],
    load: async () => (await import('./tokenizer.ts')).tokenizerEncode,
  },
  {
    name: 'tokenizer decode',
    about: 'the text of token ids, given as arguments or on standard input, separated by spaces or commas',
    args: [['[ids...]', 'token ids']],
    load: async () => (await import('./tokenizer.ts')).tokenizerDecode,
  },
  {
    name: 'tokenizer show',
    about: 'every token: its id, its text, and the two tokens it was merged from',
    load: async () => (await import('./tokenizer.ts')).tokenizerShow,
  },
  {
    name: 'train',
    about: 'train a GPT on a text',
    load: async () => (await import('./train.ts')).train,
  },
  {
    name: 'report',
    about: 'the report of a run as a page and as Markdown, again from its folder; several runs compared',
    args: [['[run...]', 'folders of runs']],
    load: async () => (await import('./report.ts')).report,
  },
  {
    name: 'studio',
    about: 'train, look inside and talk to models in a browser, on this machine; or follow a run there',
    load: async () => (await import('./studio.ts')).studio,
  },
  {
    name: 'serve',
    about: "OpenAI's completions from models on this machine, for its clients, lm-eval and programs of yours",
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'generate',
    about: 'write text with a model, as it comes',
    load: async () => (await import('./generate.ts')).generateCommand,
  },
  {
    name: 'eval',
    about: 'the loss of a model on a whole text: nats/token, bits/byte, perplexity',
    load: async () => (await import('./eval.ts')).evalCommand,
  },
  {
    name: 'inspect',
    about: 'ReLU activations and gradients, dead units, attention maps, the loss of every token',
    load: async () => (await import('./inspect.ts')).overview,
  },
  {
    name: 'inspect taps',
    about: 'the names of all values inside, and the statistics of any of them',
    args: [['[pattern...]', 'names: * is anything but a dot, ** anything, {a,b} one or the other']],
    load: async () => (await import('./inspect.ts')).taps,
  },
  {
    name: 'inspect health',
    about: 'sparsity, dead units, gradients and updates over the training of a run, from its history',
    load: async () => (await import('./inspect.ts')).health,
  },
  {
    name: 'inspect attention',
    about:
      'which token attends to which: maps of every head, entropy, distance, previous-token and induction scores',
    load: async () => (await import('./inspect.ts')).attention,
  },
  {
    name: 'inspect tokens',
    about: 'how hard each token of a text was, what was expected instead, and what comes next',
    load: async () => (await import('./inspect.ts')).tokens,
  },
  {
    name: 'inspect lens',
    about: 'the logit lens: what each layer would say, if it were the last',
    load: async () => (await import('./inspect.ts')).lens,
  },
  {
    name: 'inspect embedding',
    about: 'tokens whose vectors point the same way, and how alike the vectors of positions are',
    load: async () => (await import('./inspect.ts')).embedding,
  },
  {
    name: 'inspect edit',
    about: 'what a change inside does: zero a head, scale a unit, swap in a value from another text',
    args: [
      [
        '<edit...>',
        "a change, such as 'blocks.0.attn.heads[2]@-1=0': TAP[UNITS]@POSITIONS, then =0, *=2, +=0.5 or <-TEXT",
      ],
    ],
    load: async () => (await import('./inspect.ts')).edit,
  },
  {
    name: 'inspect ablate',
    about: 'what is lost without each head, each attention and each MLP, in turn',
    load: async () => (await import('./inspect.ts')).ablate,
  },
  {
    name: 'summary',
    about: 'parameters, bytes and floating-point operations of every part of a model',
    load: async () => (await import('./summary.ts')).summary,
  },
  {
    name: 'quantize',
    about: 'an INT8 or INT4 copy of a model, and what it costs in quality',
    load: async () => (await import('./quantize.ts')).quantizeCommand,
  },
  {
    name: 'compare',
    about: 'two models side by side: bytes, loss, agreement, noise, speed',
    args: [
      ['<before>', 'model folder or run folder'],
      ['<after>', 'model folder or run folder'],
    ],
    load: async () => (await import('./compare.ts')).compareCommand,
  },
  {
    name: 'export',
    about: 'a model or its tokenizer in the format of another program',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  {
    name: 'import',
    about: 'a model or tokenizer of another program: Hugging Face, nanoGPT, minbpe',
    args: [['<path>', 'its folder, or one of its files']],
    load: async () => (await import('./import.ts')).importCommand,
  },
  {
    name: 'bench',
    about: "this machine's figures in under a minute: tokenizer, training step, generation",
    load: async () => (await import('./bench.ts')).bench,
  },
  {
    name: 'doctor',
    about: 'which engines work here, why the others do not, and what to do about it',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'build-native',
    about: 'compile the C++ engine here, a minute or more, once; it says what is missing for that',
    load: async () => (await import('./build-native.ts')).buildNativeCommand,
  },
];
