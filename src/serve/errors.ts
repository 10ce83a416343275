// Errors in OpenAI's shape. Read next: requests.ts.

/** An answer that is an error: `param` names what is wrong in the request. */
export class ApiError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    {
      param = null,
      code = null,
      headers = {},
    }: { param?: string | null; code?: string | null; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.param = param;
    this.code = code;
    this.headers = headers;
  }
}

/** The refusal of a parameter. */
export function refused(param: string | null, message: string, code: string | null = null): ApiError {
  return new ApiError(400, message, { param, code });
}

/** The document of an error. An error of ours that is none of the request's is told without its details. */
export function errorBody(error: unknown): { error: object } {
  const known = error instanceof ApiError;
  const { message, status, param, code } = known
    ? error
    : { message: 'the server failed; its own output says why', status: 500, param: null, code: null };
  const type =
    status === 401
      ? 'authentication_error'
      : status === 429
        ? 'rate_limit_error'
        : status >= 500
          ? 'server_error'
          : 'invalid_request_error';
  return { error: { message, type, param, code } };
}
