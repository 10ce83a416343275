// What goes to the GPU, in order. Where the processor imitates a GPU, only a few passes are under way at a
// time. The others wait here, where they can still be dropped. Read next: queue.ts.

export interface Outbox {
  /** Whether nothing waits: a task would run at once. */
  idle(): boolean;
  /** Runs `task`, such as a write, after everything before it. It is never dropped. */
  task(run: () => void): void;
  /** Runs `submit`, which submits a pass, after everything before it. */
  pass(submit: () => void): void;
  /** Resolves when everything before has run; rejects with the reason when passes were dropped meanwhile. */
  sent(): Promise<void>;
  /** Drops the passes that wait. */
  drop(reason: unknown): void;
}

interface Entry {
  readonly kind: 'task' | 'pass' | 'answer';
  run(): void;
  reject?(reason: unknown): void;
}

/** An outbox with at most `most` passes under way. */
export function createOutbox(queue: GPUQueue, most: number): Outbox {
  let waiting: Entry[] = [];
  let underWay = 0;
  const proceed = (): void => {
    while (waiting.length > 0 && (waiting[0].kind !== 'pass' || underWay < most)) {
      const [{ kind, run }] = waiting.splice(0, 1);
      run();
      if (kind !== 'pass' || most === Number.POSITIVE_INFINITY) continue;
      underWay++;
      queue.onSubmittedWorkDone().then(ended, ended);
    }
  };
  const ended = (): void => {
    underWay--;
    proceed();
  };
  const add = (entry: Entry): void => {
    waiting.push(entry);
    proceed();
  };
  return {
    idle: () => waiting.length === 0,
    task: (run) => add({ kind: 'task', run }),
    pass: (run) => add({ kind: 'pass', run }),
    sent: () => new Promise((run, reject) => add({ kind: 'answer', run, reject })),
    drop(reason) {
      const dropped = waiting;
      waiting = dropped.filter(({ kind }) => kind === 'task');
      for (const { reject } of dropped) reject?.(reason);
      proceed();
    },
  };
}
