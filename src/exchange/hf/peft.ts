// PEFT's adapters, which `PeftModel.from_pretrained` puts on a model of `--to hf`: an adapter that was kept
// apart (model/adapter.ts), by the names that transformers has. Read next: ../mapping.ts.
import { jsonBytes } from '../../base/json.ts';
import { type TensorToWrite, writeSafetensors } from '../../io/safetensors.ts';
import type { Adapter } from '../../model/adapter.ts';
import type { GPTConfig } from '../../model/config.ts';
import { familyOf } from '../families.ts';
import type { AdapterTarget } from '../target.ts';
import { gpt2, hfFamilies } from './target.ts';

/** `--to peft` */
export const peft: AdapterTarget = {
  about: 'a folder with an adapter alone, which PEFT puts on the model of --to hf',
  makes: 'folder',
  from: 'adapter',
  takes: {},
  check: (config) => void familyOf('peft', hfFamilies, config),
  build(adapter, config) {
    const family = familyOf('peft', hfFamilies, config);
    const { tensors, modules } = tensorsOf(adapter, config, family.tensors(config));
    return {
      files: new Map([
        ['adapter_model.safetensors', writeSafetensors(tensors, { format: 'pt' })],
        ['adapter_config.json', jsonBytes(configOf(adapter, modules, family === gpt2), 2)],
      ]),
      notes: [`it belongs on the ${family.name} that \`inkhorn export --to hf\` makes of its base`],
    };
  },
};

/** A and B of each of their modules. Parts of one matrix, as queries, keys and values, have the same A. */
function tensorsOf(
  { rank, matrices }: Adapter,
  config: GPTConfig,
  mapped: ReturnType<(typeof hfFamilies)[number]['tensors']>,
): { tensors: Map<string, TensorToWrite>; modules: string[] } {
  const tensors = new Map<string, TensorToWrite>();
  const modules: string[] = [];
  for (const { ours, theirs, part: [index, of] = [0, 1] } of mapped) {
    const thin = ours === null ? undefined : matrices.get(ours);
    if (!thin) continue;
    const { a, b } = thin;
    const module = theirs.replace(/\.weight$/, '');
    const size = b.length / of;
    const ownB = b.subarray(index * size, (index + 1) * size);
    tensors.set(`base_model.model.${module}.lora_A.weight`, { shape: [rank, a.length / rank], data: a });
    tensors.set(`base_model.model.${module}.lora_B.weight`, {
      shape: [ownB.length / rank, rank],
      data: ownB,
    });
    modules.push(module);
  }
  if (modules.length === 0)
    throw new Error(`the adapter changes nothing of a model with ${config.nLayer} blocks`);
  return { tensors, modules };
}

/** `fan_in_fan_out`: GPT-2 stores its matrices [in, out]. */
function configOf(
  { rank, alpha }: Adapter,
  modules: readonly string[],
  conv: boolean,
): Record<string, unknown> {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: null,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: conv,
    target_modules: modules,
  };
}
