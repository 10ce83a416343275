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
        <code>
          {lines.map((line) => (
            <Line key={line} words={line.split(' ')} />
          ))}
        </code>
      </pre>
      <button type="button" class="quiet" onClick={() => attempt(copy)}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}

/** A word is broken only where it is longer than a line: not at the hyphen of a name. */
function Line({ words }: { words: readonly string[] }): VNode {
  return (
    <span class="line">
      {words.map((word, i) => (
        <>
          {i > 0 && ' '}
          <span class="word">{word}</span>
        </>
      ))}
    </span>
  );
}
