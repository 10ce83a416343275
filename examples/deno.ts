// A model speaks in Deno: the bundled one, or a folder.
//
//   deno add npm:inkhorn
//   deno run --allow-read --allow-env --allow-sys --allow-ffi deno.ts 'ROMEO:'
import { generate, load, useBackend } from 'inkhorn';
import { bundledModel, folderStore } from 'inkhorn/node';

const [prompt = 'ROMEO:', folder] = Deno.args;
const { backend } = await useBackend();
console.error(backend.description);
const { model, tokenizer } = await load(folder ? folderStore(folder) : bundledModel());

const utf8 = new TextEncoder();
const write = (text: string) => Deno.stdout.write(utf8.encode(text));
await write(prompt);
for await (const e of generate(model, tokenizer, { prompt, maxTokens: 100, temperature: 0.8, seed: 1 }))
  if (e.type === 'token') await write(e.text);
await write('\n');
