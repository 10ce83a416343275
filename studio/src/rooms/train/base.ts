// The trained model that a run goes on from: `from` in the address.
import type { WorkerModel } from 'inkhorn';
import { useEffect, useState } from 'preact/hooks';
import { openModel } from '../../kept/models.ts';

/** What it has decided about the run: the shape, and the tokenizer. */
export interface Base extends Omit<WorkerModel, 'dispose'> {
  /** In the address. */
  name: string;
}

/** Why there is none: it is being read, or cannot be. */
interface NoBase {
  name: string;
  problem: string;
  waiting: boolean;
}

/** The model, once it is read. Null for no name. */
export function useBase(name: string | null): Base | NoBase | null {
  const [found, setFound] = useState<Base | NoBase | null>(null);
  useEffect(() => {
    if (name === null) return;
    let wanted = true;
    openModel(name)
      .then((model) => ({ ...model, name }))
      .catch((error) => ({
        name,
        problem: error instanceof Error ? error.message : String(error),
        waiting: false,
      }))
      .then((base) => wanted && setFound(base));
    return () => {
      wanted = false;
    };
  }, [name]);
  if (name === null) return null;
  return found?.name === name ? found : { name, problem: 'The model is read ...', waiting: true };
}
