// A place on which files can be dropped, and which says so while they hover over it.
import type { ComponentChildren, VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';

interface Shown {
  class?: string;
  /** What may be dropped here: `a model folder`. */
  what: string;
  onDrop(dropped: DataTransfer): void;
  children: ComponentChildren;
}

export function DropArea({ class: name = '', what, onDrop, children }: Shown): VNode {
  const [over, setOver] = useState(false);
  /** Entered and not left: an event comes for every element inside. */
  const depth = useRef(0);
  const leave = (): void => {
    depth.current = 0;
    setOver(false);
  };
  return (
    <section
      class={`drop-area ${name} ${over ? 'over' : ''}`}
      aria-label={`Drop ${what} here`}
      data-drop={`Drop ${what} here`}
      onDragEnter={(event) => {
        if (!hasFiles(event)) return;
        event.stopPropagation();
        depth.current++;
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!hasFiles(event)) return;
        if (--depth.current <= 0) leave();
      }}
      onDragOver={(event) => {
        if (hasFiles(event)) event.preventDefault(); // else the browser opens the file
      }}
      onDrop={(event) => {
        if (!hasFiles(event) || !event.dataTransfer) return;
        event.preventDefault();
        event.stopPropagation();
        leave();
        onDrop(event.dataTransfer);
      }}
    >
      {children}
    </section>
  );
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes('Files') ?? false;
}
