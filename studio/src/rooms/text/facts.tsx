// What the chosen text is, and what is odd about it.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Inspected, inspectText } from '../../kept/inspect-text.ts';
import { attempt } from '../../notices.ts';

export function Facts({ name, bytes }: { name: string; bytes: Uint8Array | null }): VNode {
  const [known, setKnown] = useState<Inspected | null>(null);
  useEffect(() => {
    setKnown(null);
    if (!bytes) return;
    let here = true;
    attempt(async () => {
      const inspected = await inspectText(bytes);
      if (here) setKnown(inspected);
    });
    return () => {
      here = false;
    };
  }, [bytes]);
  if (!bytes || !known) return <p class="muted">{name} is read ...</p>;
  if ('problem' in known)
    return (
      <p class="warning">
        {name} {known.problem}
      </p>
    );
  const { facts, odd, remark } = known;
  const oddities = [...(remark ? [remark.detail ?? remark.kind] : []), ...odd];
  return (
    <>
      <dl class="facts">
        <Fact name="Bytes" value={bytes.length} />
        <Fact name="Characters" value={facts.characters} />
        <Fact name="Different ones" value={facts.distinctCharacters} />
        <Fact name="Lines" value={facts.lines} />
      </dl>
      {oddities.length > 0 ? (
        <p class="warning">It {oddities.join('; ')}.</p>
      ) : (
        <p class="muted">Nothing odd about it.</p>
      )}
    </>
  );
}

function Fact({ name, value }: { name: string; value: number }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value.toLocaleString('en')}</dd>
    </div>
  );
}
