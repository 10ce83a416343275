// cli/models.ts in a page, as far as the suites need it.

/** The bundled model, which the site has beside the page. */
export const SHIPPED_MODEL: string = new URL('../../../models/shakespeare', import.meta.url).href;
