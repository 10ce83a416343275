// A self-contained page: one file that loads nothing from elsewhere, in the colours that the reader prefers.
// Read next: style.ts.

import type { Charts } from '../../figures/charts.ts';
import type { Table } from '../../figures/table.ts';
import { colorVariables } from './colors.ts';
import { type Html, html, type Part, raw } from './html.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** A section of a page, with its name in the list at the top. */
export interface Section {
  id: string;
  title: string;
  body: Part;
}

/**
 * The whole document. `depth`: number of blocks of the model, each of which gets a colour. Sections without a
 * body are left out.
 */
export function page(options: {
  title: string;
  kicker: string;
  header: Part;
  sections: readonly Section[];
  depth: number;
  charts: Charts | null;
}): string {
  const { title, kicker, header, depth, charts } = options;
  const sections = options.sections.filter(
    ({ body }) => body !== null && body !== undefined && body !== false,
  );
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Inkhorn">
<title>${title}</title>
<style>${raw(colorVariables(depth, charts))}${raw(STYLE)}</style>
</head>
<body>
<main>
<header>
<p class="kicker">${kicker}</p>
<h1>${title}</h1>
${header}
<nav aria-label="Contents">${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a>`)}</nav>
</header>
${sections.map(({ id, title: name, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${name}</h2>\n${body}</section>\n`)}
<footer>Made by Inkhorn from the history of the run. Everything is in this file; it asks nothing of the network.</footer>
</main>
<script>${raw(SCRIPT)}</script>
</body>
</html>
`;
  return document.markup;
}

/** The large figures at the top: label, value, unit. */
export function headlines(
  figures: readonly (readonly [label: string, value: string, unit?: string])[],
): Html {
  return html`<dl class="figures">${figures.map(
    ([label, value, unit]) =>
      html`<div><dt>${label}</dt><dd>${value}${unit && html`<small>${unit}</small>`}</dd></div>`,
  )}</dl>`;
}

/** Names and values, one below the other, in two columns if there is room. */
export function facts(rows: readonly (readonly [name: string, value: Part])[]): Html {
  return html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/**
 * A table that scrolls by itself if it is too wide. Columns of numbers are aligned right. `best`: the
 * highlighted row.
 */
export function table(
  columns: readonly Part[],
  rows: readonly (readonly (string | number | Html)[])[],
  best?: number,
): Html {
  const numeric = columns.map(
    (_, c) =>
      c > 0 && rows.every((row) => typeof row[c] !== 'object' && /^[-+−\d]|^$|^equal$/.test(String(row[c]))),
  );
  const kind = (c: number): Html => raw(numeric[c] ? ' class="n"' : '');
  return html`<div class="scroll"><table><thead><tr>${columns.map((name, c) => html`<th scope="col"${kind(c)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row, r) =>
      html`<tr${r === best && raw(' class="best"')}>${row.map((cell, c) =>
        c === 0 ? html`<th scope="row">${cell}</th>` : html`<td${kind(c)}>${cell}</td>`,
      )}</tr>\n`,
  )}</tbody></table></div>`;
}

/** A table of another report. */
export function reportTable({ title, columns, rows, note, detail }: Table): Html {
  const body = html`${table(columns, rows)}${note && html`<p class="note">${note}</p>`}`;
  return detail ? folded(title, body) : html`<h3>${title}</h3>${body}`;
}

/** A command to copy, whose lines break between its flags. */
export function shellCommand(command: string): Html {
  return html`<pre>${command.split(/ (?=--)/).map((part, i) => html`${i > 0 && ' '}<span>${part}</span>`)}</pre>`;
}

/** Content that is folded until the reader opens it. */
export function folded(summary: string, body: Part): Html {
  return html`<details><summary>${summary}</summary>${body}</details>`;
}
