// Only one training at a time may change a model. Read next: train.ts.
import type { GPT } from '../model/gpt.ts';

/** The training that changes a model: an object that lives as long as that training can continue. */
const holders = new WeakMap<GPT, WeakRef<object>>();

/**
 * Gives `holder` the exclusive use of the model until `letGo`, or until `holder` is collected. Throws when
 * another one has it.
 */
export function hold(model: GPT, holder: object): void {
  if (holders.get(model)?.deref()) {
    throw new Error(
      'this model is being trained by another train(): let that one end, or leave its loop (`break`, or `return()` of the generator)',
    );
  }
  holders.set(model, new WeakRef(holder));
}

export function letGo(model: GPT): void {
  holders.delete(model);
}
