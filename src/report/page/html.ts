// HTML as a template: inserted values are escaped unless they are already markup.

/** Markup that can be inserted as it is. */
export interface Html {
  readonly markup: string;
}

/**
 * A value in a template: text and numbers are escaped, lists are joined, nothing and `false` are left out.
 */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

/**
 * Markup from a template.
 * @example html`<b>${'<3'}</b>`.markup // '<b>&lt;3</b>'
 */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return {
    markup: literals.map((literal, i) => literal + (i < parts.length ? render(parts[i]) : '')).join(''),
  };
}

/** Markup from elsewhere (an SVG), inserted as it is. */
export function raw(markup: string): Html {
  return { markup };
}

/**
 * Data for the script of the page, in an element of its own. `<` is escaped, so that nothing in the data can
 * end the element.
 */
export function jsonScript(data: unknown): Html {
  return raw(`<script type="application/json">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`);
}

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'markup' in part ? part.markup : part.map(render).join('');
}

/** Escapes text for elements and quoted attributes; control characters become visible. */
function escapeHtml(text: string): string {
  return text
    .replace(/(?![\t\n])\p{Cc}|\p{Cs}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
