// Patterns for names with dots: `*` stands for anything but a dot, `**` for anything, `{a,b}` for one or the
// other.

const GLOB: readonly (readonly [glob: RegExp, regExp: string])[] = [
  [/^\*\*/, '.*'],
  [/^\*/, '[^.]*'],
  [/^\{/, '(?:'],
  [/^\}/, ')'],
  [/^,/, '|'],
];

/**
 * What the whole names fit that `glob` means. Throws where braces do not match.
 *
 * @example globToRegExp('blocks.{0,2}.mlp.*').test('blocks.2.mlp.act') // true
 */
export function globToRegExp(glob: string): RegExp {
  let source = '';
  let depth = 0;
  for (let rest = glob; rest.length > 0; ) {
    const [found, meaning] = GLOB.find(([pattern]) => pattern.test(rest)) ?? [/^./s, ''];
    const [piece] = rest.match(found) as RegExpMatchArray;
    if (piece === '{') depth++;
    if (piece === '}') depth--;
    source += meaning || piece.replace(/[^\w]/, '\\$&');
    rest = rest.slice(piece.length);
    if (depth < 0) break;
  }
  if (depth !== 0) throw new Error(`'${glob}': a { without its }, or the other way round`);
  return new RegExp(`^(?:${source})$`);
}
