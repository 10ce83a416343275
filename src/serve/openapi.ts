// The OpenAPI document: from the tables of routes and parameters. Read next: routes.ts.
import { type Fields, jsonSchemaOf } from '../base/fields.ts';
import { type Route, routes } from './routes.ts';

const ERROR = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
      required: ['message', 'type', 'param', 'code'],
    },
  },
  required: ['error'],
} as const;

/** The OpenAPI 3.1 document of the server. */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of Object.values(routes) as Route[])
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'inkhorn serve',
      version,
      description: "OpenAI's legacy completions for base models, and what lm-eval asks for.",
    },
    paths,
    components: {
      schemas: { Error: ERROR },
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operation({ about, body, open, answer, path }: Route): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const error = { content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } };
  return {
    summary: about,
    ...(names.length > 0 && {
      parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schema(body) } } },
    }),
    responses: {
      200: { description: answer },
      '4XX': { description: 'an error that names the parameter', ...error },
      '5XX': { description: 'an error of the server', ...error },
    },
    security: open ? [] : [{ key: [] }, {}],
  };
}

function schema(fields: Fields): object {
  const { $schema: _, ...rest } = jsonSchemaOf(fields);
  return rest;
}
