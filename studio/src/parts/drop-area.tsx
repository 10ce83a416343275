// A place on which files can be dropped, and which says so while they hover over it.
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface Shown {
  class?: string;
  /** What may be dropped here: `a model folder`. */
  what: string;
  /** Whether the whole page takes what is dropped. */
  page?: boolean;
  onDrop(dropped: DataTransfer): void;
  children: ComponentChildren;
}

export function DropArea({ class: name = '', what, page = false, onDrop, children }: Shown): VNode {
  const [over, setOver] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const drop = useRef(onDrop);
  drop.current = onDrop;
  useEffect(() => {
    const target: EventTarget | null = page ? document : place.current;
    return target ? listen(target, setOver, (dropped) => drop.current(dropped)) : undefined;
  }, [page]);
  return (
    <div
      ref={place}
      class={`drop-area ${name} ${page ? 'whole-page' : ''} ${over ? 'over' : ''}`}
      data-drop={`Drop ${what} here`}
    >
      {children}
    </div>
  );
}

/** Keeps the browser from opening files that are dropped beside every such place: the page would be gone. */
export function refuseOtherDrops(): void {
  for (const type of ['dragover', 'drop'])
    addEventListener(type, (event) => {
      const { dataTransfer } = event as DragEvent;
      if (event.defaultPrevented || !dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      dataTransfer.dropEffect = 'none';
    });
}

/** Follows files over `target` until the function that it returns is called. */
function listen(
  target: EventTarget,
  over: (on: boolean) => void,
  drop: (dropped: DataTransfer) => void,
): () => void {
  /** Entered and not left: an event comes for every element inside. */
  let depth = 0;
  const ended = new AbortController();
  const on = (type: string, act: (files: DataTransfer) => void): void =>
    target.addEventListener(
      type,
      (event) => {
        const { dataTransfer } = event as DragEvent;
        if (!dataTransfer?.types.includes('Files') || event.defaultPrevented) return;
        if (type === 'dragover' || type === 'drop') event.preventDefault(); // else the browser opens the file
        act(dataTransfer);
        over(depth > 0);
      },
      { signal: ended.signal },
    );
  on('dragenter', () => depth++);
  on('dragleave', () => depth--);
  on('dragover', () => {
    depth = Math.max(1, depth);
  });
  on('drop', (files) => {
    depth = 0;
    drop(files);
  });
  return () => ended.abort();
}
