// The few SVG elements that pictures are drawn with, as strings. Charts are drawn by Plot: plot.ts.

/** Colours and fonts of every picture. */
export const theme = {
  ink: '#1f2430',
  muted: '#667085',
  rule: '#e4e7ec',
  paper: '#ffffff',
  sans: "'DejaVu Sans', Verdana, sans-serif",
  mono: "'DejaVu Sans Mono', Menlo, Consolas, monospace",
} as const;

/** Escapes text for SVG, and drops characters that XML cannot contain. */
export function escapeXml(text: string): string {
  const clean = text.replace(/(?![\t\n])\p{Cc}/gu, '\ufffd').replace(/\p{Cs}/gu, '\ufffd');
  return clean
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** The style of a line of text. */
export interface TextStyle {
  size?: number;
  anchor?: 'start' | 'middle' | 'end';
  fill?: string;
  bold?: boolean;
  mono?: boolean;
  /** Degrees, clockwise around (x, y). */
  rotate?: number;
}

/** A line of text with its baseline at `y`. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 12, anchor = 'start', fill = theme.ink, bold = false, mono = false, rotate = 0 } = style;
  const turn = rotate ? ` transform="rotate(${rotate} ${round(x)} ${round(y)})"` : '';
  const font = `font-family="${mono ? theme.mono : theme.sans}" font-size="${size}"${bold ? ' font-weight="bold"' : ''}`;
  return `<text x="${round(x)}" y="${round(y)}" ${font} fill="${fill}" text-anchor="${anchor}"${turn}>${escapeXml(content)}</text>`;
}

/** A filled rectangle. */
export function rect(x: number, y: number, width: number, height: number, fill: string, radius = 0): string {
  const rx = radius ? ` rx="${radius}"` : '';
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"${rx}/>`;
}

/** A straight line; `dash` is SVG's stroke-dasharray. */
export function line(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  stroke: string,
  width = 1,
  dash = '',
): string {
  const dashes = dash ? ` stroke-dasharray="${dash}"` : '';
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}" stroke-width="${width}"${dashes}/>`;
}

/** A whole picture: title and subtitle at the top, `body` (markup, in picture coordinates) below. */
export function picture(options: {
  title: string;
  subtitle: string;
  width: number;
  height: number;
  body: readonly string[];
}): string {
  const { title, subtitle, width, height, body } = options;
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="picture" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" color="${theme.ink}">`,
    `<title>${escapeXml(title)}</title>`,
    DARK,
    rect(0, 0, w, h, theme.paper, 8),
    text(MARGIN, 36, title, { size: 18, bold: true }),
    text(MARGIN, 58, subtitle, { size: 12.5, fill: theme.muted }),
    ...body,
    '</svg>\n',
  ].join('\n');
}

/**
 * For readers who prefer dark pages: inverts lightness, keeps hues. The same rule for lines, letters and heat
 * maps; it also works in a page that shows the file as an image. The rasteriser ignores it.
 */
const DARK =
  '<style>@media(prefers-color-scheme:dark){svg.picture{filter:invert(.91) hue-rotate(180deg)}}</style>';

/** Space left and right of everything. */
export const MARGIN = 28;
/** The first free line below title and subtitle. */
export const BODY_TOP = 76;

/** Two decimals; more would double the file. */
export function round(x: number): number {
  return Math.round(x * 100) / 100;
}
