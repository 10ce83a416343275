// The kinds of models that other programs have, and what each of them lacks. Read next: hf/target.ts,
// gguf/target.ts.
import type { GPTConfig } from '../model/config.ts';

/** A model class of another program. */
export interface Family {
  /** As that program calls it: `ArceeForCausalLM`. */
  name: string;
  /** The parts of a model that it does not have, each in words with the field; empty: it has all. */
  lacks(config: GPTConfig): string[];
}

/**
 * The family that has every part of the model. If there is none, throws one line with all the parts that the
 * nearest family lacks.
 */
export function familyOf<F extends Family>(target: string, families: readonly F[], config: GPTConfig): F {
  const judged = families.map((family) => ({ family, parts: family.lacks(config) }));
  const [{ family, parts }] = judged.sort((a, b) => a.parts.length - b.parts.length);
  if (parts.length === 0) return family;
  throw new Error(
    `${target} cannot express this model: ${family.name}, the nearest there, has no ${parts.join(', no ')}; ` +
      'models of the preset portable can be exported to every target, and any model to onnx',
  );
}

/** The parts in `found` that the model has. */
export function present(found: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(found).filter((part) => found[part]);
}

/** The parts that no family has. */
export function ownParts(config: GPTConfig): Record<string, boolean> {
  const { qkNorm, valueResidual, skip, tokenShift, logitCap, headBias } = config;
  return {
    'QK norm (qkNorm)': qkNorm,
    'value residual (valueResidual)': valueResidual,
    [`skip (skip ${skip})`]: skip !== 'none',
    'token shift (tokenShift)': tokenShift,
    [`logit cap (logitCap ${logitCap})`]: logitCap > 0,
    'head bias (headBias)': headBias,
  };
}

/** The parts that a family with RMSNorm and rotary positions lacks besides. */
export function rotaryLacks(config: GPTConfig): Record<string, boolean> {
  const { norm, position, headSize } = config;
  return {
    'LayerNorm (norm layernorm)': norm !== 'rmsnorm',
    [`${position === 'none' ? 'way without positions' : `${position} positions`} (position ${position})`]:
      position !== 'rope',
    [`odd head size (headSize ${headSize})`]: position === 'rope' && headSize % 2 === 1,
  };
}

/**
 * The parts that GPT-2 lacks besides. What our model can be without (biases, positions), GPT-2 can have as
 * zeros.
 */
export function gpt2Lacks(config: GPTConfig): Record<string, boolean> {
  const { norm, position, nHead, headSize, nEmbd } = config;
  return {
    'RMSNorm (norm rmsnorm)': norm !== 'layernorm',
    'rotary positions (position rope)': position === 'rope',
    [`heads of a free size (nHead ${nHead} x headSize ${headSize} = ${nHead * headSize}, nEmbd ${nEmbd})`]:
      nHead * headSize !== nEmbd,
  };
}
