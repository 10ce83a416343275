// A part of the page that scrolls by itself, by the keyboard, too.
import type { ComponentChildren, Ref, VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Shown {
  class: string;
  label: string;
  busy?: boolean;
  /** Scrolls to its end whenever this changes; null: it stays where it is. */
  followed?: number | null;
  children: ComponentChildren;
}

export function Scrollable({ class: name, label, busy, followed = null, children }: Shown): VNode {
  const place = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (place.current) place.current.tabIndex = 0; // so that the arrow keys reach it
  }, []);
  useLayoutEffect(() => {
    if (followed !== null) place.current?.scrollTo({ top: place.current.scrollHeight });
  }, [followed]);
  return (
    <section ref={place as Ref<HTMLElement>} class={name} aria-label={label} aria-busy={busy}>
      {children}
    </section>
  );
}
