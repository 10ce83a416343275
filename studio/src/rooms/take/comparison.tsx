// A model and its smaller copy, side by side.
import { compareTables } from 'inkhorn/figures';
import type { ComponentChildren, VNode } from 'preact';
import { titleOf } from '../../kept/models.ts';
import { attempt, tell } from '../../notices.ts';
import { TableView } from '../../parts/table.tsx';
import { link } from '../../route.ts';
import { Layers } from './layers.tsx';
import { keep, type Shrunk } from './shrinking.ts';

export function Comparison({ made }: { made: Shrunk }): VNode {
  const { of, chosen, report, kept } = made;
  const { parameters, validation, speed } = report;
  const copy = `INT${chosen.bits}`;
  return (
    <section class="comparison" aria-label={`${copy} beside the original`}>
      <dl class="meters">
        <Meter name="Size" before={megabytes(parameters.before)} after={megabytes(parameters.after)}>
          {parameters.ratio.toFixed(2)} times smaller
        </Meter>
        <Meter
          name="Perplexity"
          before={perplexity(validation.before.loss)}
          after={perplexity(validation.after.loss)}
        >
          loss {signed(validation.after.loss - validation.before.loss)} nats per token
        </Meter>
        <div>
          <dt>Agreement</dt>
          <dd>
            {(100 * validation.top1).toFixed(1)} %
            <small>same most likely token, of {validation.tokens.toLocaleString('en')}</small>
          </dd>
        </div>
        {speed && (
          <Meter name="Tokens per second" before={rate(speed.before)} after={rate(speed.after)}>
            {(speed.after / speed.before).toFixed(2)} times as fast here
          </Meter>
        )}
      </dl>
      <p class="buttons">
        {kept === null ? (
          <button type="button" class="primary" onClick={() => attempt(keepIt)}>
            Keep the copy
          </button>
        ) : (
          <>
            <span>
              Kept as <b>{titleOf(kept)}</b>.
            </span>
            <a class="button" href={link('play', { model: of, model2: kept })}>
              Talk to both, side by side
            </a>
            <a class="button" href={link('take', { model: kept })}>
              Take it away
            </a>
          </>
        )}
      </p>
      <Texts texts={made.texts} copy={copy} />
      <Layers layers={made.layers} />
      <Noise report={report} />
      <details class="group">
        <summary>All numbers</summary>
        {compareTables(report).map((table) => (
          <TableView key={table.title} table={table} />
        ))}
      </details>
    </section>
  );
}

async function keepIt(): Promise<void> {
  tell(`${titleOf(await keep())} is kept in this browser.`);
}

function Meter({
  name,
  before,
  after,
  children,
}: {
  name: string;
  before: string;
  after: string;
  children: ComponentChildren;
}): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span class="muted">
          {before} <span aria-hidden="true">→</span>
          <span class="unseen">becomes</span>
        </span>{' '}
        {after}
        <small>{children}</small>
      </dd>
    </div>
  );
}

/** What both write, with the same random numbers. */
function Texts({ texts, copy }: { texts: Shrunk['texts']; copy: string }): VNode {
  const both = [
    ['as it was', texts.before],
    [copy, texts.after],
  ];
  return (
    <div class="both">
      {both.map(([name, text]) => (
        <figure key={name}>
          <figcaption class="muted">{name}</figcaption>
          <p class="said">
            <b>{texts.prompt}</b>
            {text}
          </p>
        </figure>
      ))}
    </div>
  );
}

/** How exactly each matrix was kept: its signal to noise. */
function Noise({ report: { weights } }: Pick<Shrunk, 'report'>): VNode | null {
  const most = Math.max(...weights.map(({ sqnrDb }) => sqnrDb ?? 0));
  if (weights.length === 0) return null;
  return (
    <details class="group" open>
      <summary>How exactly each matrix was kept</summary>
      <p class="muted">Signal to quantisation noise in decibels: 6 dB are one bit.</p>
      <ol class="noise">
        {weights.map(({ name, sqnrDb }) => (
          <li key={name}>
            <code>{name.replace(/\.weight$/, '')}</code>
            <span class="noise-bar" aria-hidden="true">
              <span style={{ width: `${(100 * (sqnrDb ?? most)) / most}%` }} />
            </span>
            <span>{sqnrDb === null ? 'equal' : `${sqnrDb.toFixed(1)} dB`}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function perplexity(loss: number): string {
  const value = Math.exp(loss);
  return value < 1000 ? value.toPrecision(4) : Math.round(value).toLocaleString('en');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}
