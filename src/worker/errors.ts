// Errors on their way from one thread to another. Structured cloning keeps neither names nor fields of its
// own.

/** An error, or any other value that was thrown, as it can be sent. */
export type SentError =
  | {
      name: string;
      message: string;
      stack?: string;
      cause?: SentError;
      /** Of an AggregateError. */
      errors?: SentError[];
      /** What else it has: `code`, for instance. */
      fields: Record<string, string | number | boolean>;
    }
  | { value: unknown };

export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { value: sendable(error) };
  const { name, message, stack, cause } = error;
  const fields: Record<string, string | number | boolean> = {};
  for (const [field, value] of Object.entries(error))
    if (['string', 'number', 'boolean'].includes(typeof value)) fields[field] = value;
  const errors = error instanceof AggregateError ? error.errors.map(sentError) : undefined;
  return { name, message, stack, cause: cause === undefined ? undefined : sentError(cause), errors, fields };
}

/** A value that cannot be sent becomes its text. */
function sendable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return String(value);
  }
}

const KINDS: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** The error as it was thrown, of the same built-in class. */
export function receivedError(sent: SentError): unknown {
  if ('value' in sent) return sent.value;
  const { name, message, stack, cause, errors, fields } = sent;
  const options = cause === undefined ? undefined : { cause: receivedError(cause) };
  const error = errors
    ? new AggregateError(errors.map(receivedError), message, options)
    : new (KINDS[name] ?? Error)(message, options);
  if (error.name !== name) define(error, 'name', name);
  if (stack !== undefined) define(error, 'stack', stack);
  return Object.assign(error, fields);
}

function define(error: Error, field: 'name' | 'stack', value: string): void {
  Object.defineProperty(error, field, { value, configurable: true, writable: true });
}
