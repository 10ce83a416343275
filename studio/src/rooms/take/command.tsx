// Lines to type in a terminal, with a button that copies them.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { attempt } from '../../notices.ts';

export function Command({ lines }: { lines: readonly string[] }): VNode {
  const text = lines.join('\n');
  const [copied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [text]);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <div class="command">
      <pre>
        <code>{text}</code>
      </pre>
      <button type="button" class="quiet" onClick={() => attempt(copy)}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
