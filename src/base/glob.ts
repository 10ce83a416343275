// Glob patterns for names with dots: `*` matches anything but a dot, `**` anything, `{a,b}` one or the other.

const GLOB: readonly (readonly [glob: RegExp, regExp: string])[] = [
  [/^\*\*/, '.*'],
  [/^\*/, '[^.]*'],
  [/^\{/, '(?:'],
  [/^\}/, ')'],
  [/^,/, '|'],
];

/**
 * The regular expression that matches the whole names which `glob` matches. Throws where braces do not match.
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
