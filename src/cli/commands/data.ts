// `inkhorn data`: the named texts, and facts about any text.

import { createHash } from 'node:crypto';
import { formatAmount, formatBytes, formatCount } from '../../base/format.ts';
import { CATALOG } from '../../corpora/catalog.ts';
import { listCorpora, loadCorpus } from '../../corpora/index.ts';
import { textFacts } from '../../text/facts.ts';
import { textOddities } from '../../text/oddities.ts';
import { type Context, defineCommand } from '../command.ts';
import { misuse } from '../errors.ts';
import { type Flags, integer } from '../flags.ts';
import { createProgress } from '../progress.ts';
import { asBytesFlag, openData } from '../texts.ts';
import { KEPT_DAYS, keptTokens, tokensFolder } from '../tokens-cache.ts';

export const dataList = defineCommand({
  examples: [
    ['data', 'what there is, and whether it is on this machine'],
    ['data fetch tiny-shakespeare', 'downloads it once and checks it'],
    ['data show notes/', 'what a file or a folder comes to'],
  ],
  flags: {},
  meant: (word, place) =>
    place !== 'nothing' || CATALOG.some(({ name }) => name === word) ? 'inkhorn data show' : undefined,
  async run({ output }): Promise<void> {
    const corpora = await listCorpora();
    output.data(corpora);
    output.table(
      ['name', 'bytes', 'licence', 'here', 'what'],
      corpora.map(({ name, bytes, licence, ready, title }) => [
        name,
        formatCount(bytes),
        licence,
        ready ? 'yes' : 'not yet',
        title,
      ]),
    );
    output.print();
    for (const { name, path, ready, source } of corpora)
      output.print(`${name}: ${ready ? path : `${source}; fetched into ${path}`}`);
    const kept = await keptTokens(tokensFolder());
    const bytes = kept.reduce((sum, file) => sum + file.bytes, 0);
    if (kept.length > 0)
      output.print(
        `tokens of large texts: ${formatAmount(kept.length, 'file')}, ${formatBytes(bytes)}, in ${tokensFolder()}; each is removed ${KEPT_DAYS} days after its last use, or by you`,
      );
  },
});

export const dataFetch = defineCommand({
  examples: [['data fetch tiny-shakespeare', '1.1 MB, into the cache folder']],
  flags: {},
  async run({ args: [name], output }): Promise<void> {
    const names = (await listCorpora()).map((corpus) => corpus.name);
    if (!names.includes(name)) throw misuse(`there is no text named ${name}: there are ${names.join(', ')}`);
    const progress = createProgress(`fetching ${name}`, 'bytes');
    try {
      const { bytes, source } = await loadCorpus(name, { onProgress: progress.update });
      output.data({ name, bytes: bytes.length, path: source });
      output.print(`${name}: ${formatAmount(bytes.length, 'byte')}, checksum right, in ${source}`);
    } finally {
      progress.end();
    }
  },
});

const showFlags = {
  lines: integer({ about: 'lines to show', argument: '<n>', initial: '10', short: 'n' }, 0, 10_000),
  asBytes: { ...asBytesFlag, about: 'take the files byte by byte, whatever they are' },
} satisfies Flags;

export const dataShow = defineCommand({
  examples: [
    ['data show moby-dick', 'a text that has a name'],
    ['data show notes/ --lines 40', 'all .txt and .md files in a folder, as training sees them'],
    ["data show 'notes/**/*.ts' more.txt", 'the files that fit a pattern, then another'],
  ],
  flags: showFlags,
  async run({ args, flags, output }: Context<typeof showFlags>): Promise<void> {
    const { bytes, documents, source } = await openData(args, output, flags.asBytes);
    const { characters, lines, distinctCharacters, first } = textFacts(bytes, flags.lines ?? 10);
    const facts = {
      source,
      documents: documents.length,
      bytes: bytes.length,
      characters,
      lines,
      distinctCharacters,
      odd: textOddities(bytes),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
    output.data({ ...facts, first });
    output.facts([
      ['source', source],
      ...(documents.length > 1 ? [['documents', formatCount(documents.length)] as const] : []),
      ['bytes', formatCount(facts.bytes)],
      [
        'characters',
        `${formatCount(facts.characters)}, ${formatAmount(facts.distinctCharacters, 'different one')}`,
      ],
      ['lines', formatCount(facts.lines)],
      ...(facts.odd.length > 0 ? [['odd', `it ${facts.odd.join('; ')}`] as const] : []),
      ['sha256', facts.sha256],
    ]);
    if (first.length > 0) output.speak(`\n${first.join('\n')}\n`);
    if (lines > first.length) output.print(`... ${formatAmount(lines - first.length, 'more line')}`);
  },
});
