// The noise in what each layer puts out: the figure that the command line writes, too.
import type { LayerErrors } from 'inkhorn';
import { layerErrorFigure } from 'inkhorn/figures';
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { attempt } from '../../notices.ts';
import { Scrollable } from '../../parts/scrollable.tsx';

export function Layers({ layers }: { layers: readonly LayerErrors[] }): VNode | null {
  const [svg, setSvg] = useState('');
  useEffect(() => {
    let wanted = true;
    attempt(async () => {
      const plot = await import('@observablehq/plot'); // the drawing library, when it is needed
      const figure = layerErrorFigure(layers, { charts: { plot, document } });
      if (wanted) setSvg(figure?.svg ?? '');
    });
    return () => {
      wanted = false;
    };
  }, [layers]);
  if (svg === '') return null;
  return (
    <details class="group" open>
      <summary>What it changes in what each layer puts out</summary>
      <Scrollable class="scroll" label="The noise of each layer, in decibels">
        <img src={`data:image/svg+xml,${encodeURIComponent(svg)}`} alt={layers.map(inWords).join('; ')} />
      </Scrollable>
    </details>
  );
}

/** `blocks.0.mlp.up: INT8 42.1 dB, INT4 gptq 18.0 dB` */
function inWords({ name, sqnrDb }: LayerErrors): string {
  const ways = Object.entries(sqnrDb).map(
    ([way, db]) => `${way} ${db === null ? 'equal' : `${db.toFixed(1)} dB`}`,
  );
  return `${name.replace(/\.weight$/, '')}: ${ways.join(', ')}`;
}
