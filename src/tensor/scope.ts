// Who frees tensors: those made inside `scope(fn)` are freed when it returns, except those that it returns or
// keeps.

/** What a scope owns: anything that must be freed. */
export interface Owned {
  dispose(): void;
}

const scopes: Set<Owned>[] = [];

/** Called by every new tensor that is not a parameter: the innermost scope owns it. */
export function adopt(tensor: Owned): void {
  scopes.at(-1)?.add(tensor);
}

/** Called by a tensor that was freed early. */
export function forget(tensor: Owned): void {
  for (const owned of scopes) owned.delete(tensor);
}

/** Number of scopes that are open. */
export function openScopes(): number {
  return scopes.length;
}

/** Whether one of the scopes that were opened after the first `depth` owns a tensor. */
export function ownedAbove(depth: number, tensor: Owned): boolean {
  return scopes.slice(depth).some((owned) => owned.has(tensor));
}

/** Takes a tensor out of all scopes. The caller must dispose of it. */
export function keep<T extends Owned>(tensor: T): T {
  forget(tensor);
  return tensor;
}

/**
 * Runs `fn` (synchronously) and frees every tensor made meanwhile, except the ones it returns: a tensor, or
 * an array or plain object of tensors. Those go to the enclosing scope, if there is one. Frees everything
 * when `fn` throws.
 */
export function scope<R>(fn: () => R): R {
  const owned = new Set<Owned>();
  scopes.push(owned);
  let result: R | undefined;
  try {
    result = fn();
    if (result instanceof Promise) throw new Error('scope() takes a synchronous function');
    return result;
  } finally {
    scopes.pop();
    const returned = tensorsIn(result);
    for (const tensor of owned) {
      if (returned.has(tensor)) adopt(tensor);
      else tensor.dispose();
    }
  }
}

function tensorsIn(value: unknown): Set<unknown> {
  if (typeof value !== 'object' || value === null) return new Set();
  return new Set<unknown>([value, ...Object.values(value)]);
}
