// The few pieces of Markdown that a report is made of.

/** A section of what is not empty in `parts`; empty where all of them are. */
export function section(title: string, ...parts: string[]): string {
  const full = parts.filter((part) => part !== '');
  return full.length > 0 ? [`## ${title}`, ...full].join('\n\n') : '';
}

/** A Markdown table; columns of numbers are aligned to the right. */
export function markdownTable(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const row = (cells: readonly (string | number)[]): string => `| ${cells.map(escapeCell).join(' | ')} |`;
  const numeric = (column: number): boolean => rows.every((cells) => /^[-\d]|^$/.test(String(cells[column])));
  const rule = columns.map((_, column) => (column > 0 && numeric(column) ? '---:' : '---'));
  return [row(columns), `| ${rule.join(' | ')} |`, ...rows.map(row)].join('\n');
}

/** Text as it is, in a fence longer than any run of backticks in the text. */
export function fence(text: string, language = ''): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}

function escapeCell(cell: string | number): string {
  return String(cell).replace(/\s+/g, ' ').replaceAll('|', '\\|');
}
