/** What went wrong, by status. Read `message` for people, and `code` in programs. */
const CODES = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'body_too_slow',
  409: 'conflict',
  410: 'gone',
  412: 'precondition_failed',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  422: 'validation_failed',
  429: 'rate_limited',
  500: 'internal_error',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
} as const;

export type ErrorCode =
  (typeof CODES)[keyof typeof CODES] | 'unexpected_answer' | 'no_connection' | 'timed_out';

interface Details {
  readonly code: ErrorCode;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** A request that failed, after the retries. */
export class TillkeeperError extends Error {
  override readonly name: string = 'TillkeeperError';
  readonly code: ErrorCode;
  /** HTTP status; `undefined` without an answer. */
  readonly status: number | undefined;
  /** `X-Request-Id` of the answer, which finds it in the server's log. */
  readonly requestId: string | undefined;
  /** Seconds after which a repetition may succeed. */
  readonly retryAfter: number | undefined;

  constructor(message: string, { code, status, requestId, retryAfter, cause }: Details) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** No answer arrived. The server may have carried out the request. */
export class TillkeeperConnectionError extends TillkeeperError {
  override readonly name = 'TillkeeperConnectionError';
}

/** A part of the request that breaks a rule. */
export interface Problem {
  /** `['body', 'test_secret_key']` */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** A request that breaks rules (422). Nothing was written. */
export class TillkeeperValidationError extends TillkeeperError {
  override readonly name = 'TillkeeperValidationError';

  constructor(
    /** All problems at once. */
    readonly problems: readonly Problem[],
    details: Details,
  ) {
    super(
      problems.map(({ loc, msg }) => `${loc.slice(1).join('.') || String(loc[0])} ${msg}`).join('; '),
      details,
    );
  }
}

/** Reads an answer that is no success. */
export async function errorOf(response: Response): Promise<TillkeeperError> {
  const { status, headers } = response;
  const details = {
    code: codeOf(status),
    status,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfter: retryAfterOf(response),
  };
  const detail = await detailOf(response);
  if (isProblems(detail)) return new TillkeeperValidationError(detail, details);
  return new TillkeeperError(typeof detail === 'string' ? detail : `The server answered ${status}.`, details);
}

/** @returns seconds */
export function retryAfterOf({ headers }: Response): number | undefined {
  const value = headers.get('retry-after') ?? '';
  if (/^\d+$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.now()) / 1_000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}

function codeOf(status: number): ErrorCode {
  const known: Readonly<Record<number, ErrorCode>> = CODES;
  return known[status] ?? 'unexpected_answer';
}

/** A proxy in front of the server may answer something else than JSON. */
async function detailOf(response: Response): Promise<unknown> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null && 'detail' in body ? body.detail : undefined;
  } catch {
    return undefined;
  }
}

function isProblems(detail: unknown): detail is Problem[] {
  return (
    Array.isArray(detail) &&
    detail.length > 0 &&
    detail.every(
      (problem: unknown) =>
        typeof problem === 'object' &&
        problem !== null &&
        'loc' in problem &&
        Array.isArray(problem.loc) &&
        'msg' in problem &&
        'type' in problem,
    )
  );
}
