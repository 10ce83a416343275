// Text & tokens: bring a text, see what it is, and watch a tokenizer learn from it.
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { bringFiles, keptLine, OtherEncoding } from '../../kept/bring-text.ts';
import { changes } from '../../kept/files.ts';
import { FIRST_TEXT, readText } from '../../kept/texts.ts';
import { attempt, offer, tell } from '../../notices.ts';
import { DropArea } from '../../parts/drop-area.tsx';
import { choice, choices, choose } from '../../route.ts';
import { planOf } from '../train/plan.ts';
import { titleOfEncoding } from './encodings.ts';
import { createLearner } from './learner.ts';
import { Merges } from './merges.tsx';
import { Shelf } from './shelf.tsx';
import { TryOut } from './try-out.tsx';
import './text.css';

export function TextRoom(): VNode {
  const text = choice('text') ?? FIRST_TEXT;
  const plan = planOf(choices());
  const { vocabSize, pattern, atMost } = plan.tokenizer;
  const learner = useMemo(createLearner, []);
  const [bytes, setBytes] = useState<Uint8Array | null>(null);
  const [bringing, setBringing] = useState(false);
  useEffect(() => {
    let here = true;
    setBytes(null);
    attempt(async () => {
      const read = await readText(text);
      if (here) setBytes(read);
    });
    return () => {
      here = false;
    };
  }, [text]);
  const version = changes.texts.value;
  useEffect(() => {
    let here = true;
    void readText(text).catch(() => here && setBytes(null)); // another tab has deleted it
    return () => {
      here = false;
    };
  }, [version]);
  useEffect(() => {
    if (!bytes || plan.tokenizerProblem !== null) return;
    // A slider passes many values: the one that it stays at counts.
    const start = setTimeout(() => attempt(() => learner.start(bytes, plan.tokenizer)), 150);
    return () => {
      clearTimeout(start);
      learner.stop();
    };
  }, [bytes, vocabSize, pattern, atMost, plan.tokenizerProblem]);
  const keep = (bringing: () => ReturnType<typeof bringFiles>): void => {
    setBringing(true);
    attempt(async () => {
      try {
        const brought = await bringing();
        choose({ text: brought.name });
        tell(keptLine(brought));
      } catch (error) {
        if (!(error instanceof OtherEncoding)) throw error;
        offer(error.message, {
          label: 'Convert to UTF-8',
          ways: error.readings.map(({ encoding, preview }) => ({
            ...{ value: encoding, title: titleOfEncoding(encoding), preview },
          })),
          work: (encoding) => keep(() => error.convert(encoding)),
        });
      } finally {
        setBringing(false);
      }
    });
  };
  const bring = (from: DataTransfer | Iterable<File>): void => keep(() => bringFiles(from));
  return (
    <DropArea class="text-room" what="texts, or a folder of them," page onDrop={bring}>
      <h1>Text &amp; tokens</h1>
      <Shelf text={text} plan={plan} bytes={bytes} bringing={bringing} onFiles={bring} />
      <div class="tokenizer">
        <Merges learner={learner} plan={plan} />
        <TryOut learner={learner} text={text} bytes={bytes} />
      </div>
    </DropArea>
  );
}
