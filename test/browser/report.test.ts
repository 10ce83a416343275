// The report of a run that a page has trained, drawn there: the same as the one that Node draws of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { build } from 'esbuild';
import { memoryStore } from '../../src/io/store.ts';
import { loadPictures } from '../../src/png/charts.ts';
import { launch, noChromium, openTab } from './chromium.ts';
import { ISOLATED } from './site.ts';
import { reports } from './tasks.ts';

/**
 * Markup as browsers and linkedom write it alike: no closing tags, attributes in order. Without styles, which
 * browsers rewrite, and shifts: Plot draws half a pixel lower where a screen has whole ones.
 */
function plain(markup: string): string[] {
  const tags = markup
    .replace(/<\/[^>]+>/g, '')
    .replace(/<([\w-]+)((?: [\w:-]+(?:="[^"]*")?)*) ?\/?>/g, (_, name: string, attributes: string) => {
      const found = attributes.match(/[\w:-]+(?:="[^"]*")?/g) ?? [];
      const kept = found.filter((attribute) => !/^(style|transform)=/.test(attribute));
      return `\n<${[name, ...kept.sort()].join(' ')}>`;
    });
  return tags.split('\n').map((line) => line.trim());
}

function same(drawn: string, wanted: string, name: string): void {
  const [lines, others] = [plain(drawn), plain(wanted)];
  const differing = lines.findIndex((line, i) => line !== others[i]);
  if (differing >= 0) assert.equal(lines[differing], others[differing], `${name}, line ${differing}`);
  assert.equal(lines.length, others.length, name);
}

test('a page draws the report of its run as Node does', { skip: noChromium() }, async () => {
  const plot = await build({
    stdin: { contents: "export * from '@observablehq/plot'", resolveDir: '.' },
    bundle: true,
    format: 'esm',
    write: false,
  });
  const [{ contents }] = plot.outputFiles;
  const browser = await launch();
  try {
    const tab = await openTab(browser, {
      headers: ISOLATED,
      alter: (path, bytes) => (path === 'plot.js' ? contents : bytes),
    });
    const { files, malformed, ...drawn } = await tab.run('report');
    const store = memoryStore('runs/lesson');
    for (const [path, text] of Object.entries(files)) {
      const [name, folder] = path.split('/').reverse();
      await (folder === undefined ? store : store.folder(folder)).write(name, new TextEncoder().encode(text));
    }
    const wanted = await reports(store, await loadPictures());
    assert.equal(drawn.markdown, wanted.markdown);
    assert.deepEqual(Object.keys(drawn.figures), Object.keys(wanted.figures));
    assert.ok('loss' in drawn.figures && 'attention' in drawn.figures, Object.keys(drawn.figures).join());
    for (const [name, svg] of Object.entries(drawn.figures)) same(svg, wanted.figures[name], name);
    same(drawn.page, wanted.page, 'page');
    same(drawn.comparison, wanted.comparison, 'comparison');
    assert.deepEqual(malformed, []);
    await tab.close();
  } finally {
    await browser.close();
  }
});
