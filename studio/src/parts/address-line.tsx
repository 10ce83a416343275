// What the address says that nothing here understands, below the notices, until it is taken out.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Remark } from '../address.ts';
import { changes } from '../kept/files.ts';
import { askedRoom, choices, choose } from '../route.ts';

export function AddressLine(): VNode | null {
  const [remarks, setRemarks] = useState<readonly Remark[]>([]);
  const asked = askedRoom.value;
  const chosen = choices();
  const key = JSON.stringify([asked, ...chosen, changes.runs.value]);
  useEffect(() => {
    let wanted = true;
    const check = async (): Promise<void> => {
      const { remarksOn } = await import('../address.ts'); // with tables that the first page does without
      const found = await remarksOn(asked, chosen);
      if (wanted) setRemarks(found);
    };
    check().catch(() => undefined); // offline: the address stays as it is
    return () => {
      wanted = false;
    };
  }, [key]);
  if (remarks.length === 0) return null;
  const mend = (): void =>
    choose(Object.fromEntries(remarks.flatMap(({ choice }) => (choice === null ? [] : [[choice, null]]))));
  return (
    <div class="notice odd" role="status">
      <span>In the address, {remarks.map(({ line }) => line).join('; ')}.</span>
      <button type="button" onClick={mend}>
        Take it out
      </button>
    </div>
  );
}
