// The web framework of the servers. The build (scripts/build-command.mjs) bundles it into this one file: as
// packages it would be a third of the files that `npm install inkhorn` writes.
export { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server';
export { serveStatic } from '@hono/node-server/serve-static';
export { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
export { type Context, Hono } from 'hono';
export { accepts } from 'hono/accepts';
export { bodyLimit } from 'hono/body-limit';
export { cors } from 'hono/cors';
export { streamSSE } from 'hono/streaming';
export { getMimeType } from 'hono/utils/mime';
