// A button that packs and downloads, and says that it does.
import type { ComponentChildren, VNode } from 'preact';
import { useState } from 'preact/hooks';
import { attempt } from '../../notices.ts';

interface Shown {
  label: ComponentChildren;
  work(): Promise<void>;
  disabled?: boolean;
  /** The id of what says why it is disabled. */
  describedBy?: string;
}

export function Download({ label, work, disabled = false, describedBy }: Shown): VNode {
  const [busy, setBusy] = useState(false);
  const start = async (): Promise<void> => {
    setBusy(true);
    try {
      await work();
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      disabled={busy || disabled}
      aria-describedby={describedBy}
      onClick={() => attempt(start)}
    >
      {busy ? 'Packing ...' : <>Download {label}</>}
    </button>
  );
}
