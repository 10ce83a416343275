// A button that asks once more. The keyboard is led to the question, to what changes nothing, and back.
import type { VNode } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export function Confirm({
  label,
  question,
  onYes,
}: {
  label: string;
  question: string;
  onYes(): void;
}): VNode {
  const [asking, setAsking] = useState<boolean | null>(null); // null: it has never asked
  const first = useRef<HTMLButtonElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    if (asking !== null) first.current?.focus();
  }, [asking]);
  const around = useRef<readonly HTMLElement[]>([]);
  useEffect(() => () => leadOut(around.current), []);
  if (!asking)
    return (
      <button type="button" class="quiet" ref={first} onClick={() => setAsking(true)}>
        {label}
      </button>
    );
  const keepByKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setAsking(false);
  };
  return (
    <span class="confirm">
      <span id={id}>{question}</span>
      <button
        type="button"
        class="bad"
        onKeyDown={keepByKey}
        onClick={({ currentTarget }) => {
          around.current = listsAround(currentTarget);
          setAsking(false);
          onYes();
        }}
      >
        {label}
      </button>
      <button
        type="button"
        class="quiet"
        ref={first}
        aria-describedby={id}
        onKeyDown={keepByKey}
        onClick={() => setAsking(false)}
      >
        Keep
      </button>
    </span>
  );
}

/** What the button stands in, from the nearest list outwards. */
function listsAround(button: HTMLElement): HTMLElement[] {
  const around: HTMLElement[] = [];
  for (let place = button.parentElement; place; place = place.parentElement)
    if (place.matches('fieldset, section, main')) around.push(place);
  return around;
}

/** The button goes with what it deleted: the focus goes to the list that is left. */
function leadOut(around: readonly HTMLElement[]): void {
  setTimeout(() => {
    const list = around.find(({ isConnected }) => isConnected);
    if (!list || document.activeElement !== document.body) return;
    list.tabIndex = -1;
    list.focus({ preventScroll: true });
  });
}
