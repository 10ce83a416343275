// A button that asks once more.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';

export function Confirm({
  label,
  question,
  onYes,
}: {
  label: string;
  question: string;
  onYes(): void;
}): VNode {
  const [asking, setAsking] = useState(false);
  if (!asking)
    return (
      <button type="button" class="quiet" onClick={() => setAsking(true)}>
        {label}
      </button>
    );
  return (
    <span class="confirm">
      <span>{question}</span>
      <button
        type="button"
        class="bad"
        onClick={() => {
          setAsking(false);
          onYes();
        }}
      >
        {label}
      </button>
      <button type="button" class="quiet" onClick={() => setAsking(false)}>
        Keep
      </button>
    </span>
  );
}
