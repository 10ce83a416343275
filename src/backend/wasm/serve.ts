// A thread of the WASM engine: computes until it is ended from outside. Read next: native/wasm/engine.cpp.
import type { News, Orders } from './host.ts';
import { instantiate, noteFailure } from './module.ts';

/** Returns only if it fails. `say` sends a message to the thread that started this one. */
export function serve({ module, memory, stack, work }: Orders, say: (news: News) => void): void {
  try {
    const exports = instantiate(module, memory, (reached) => say({ reached }));
    exports.__stack_pointer.value = stack;
    say({ ready: true });
    try {
      if ('tasks' in work) exports.serveTasks(work.tasks);
      else exports.serveTeam(work.thread);
    } catch (error) {
      noteFailure(exports, memory, (error as Error).message);
      throw error;
    }
  } catch (error) {
    say({ failed: (error as Error).message });
  }
}
