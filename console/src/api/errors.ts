import { text } from '../text';

interface Problem {
  loc: (string | number)[];
  msg: string;
}

/** An answer other than 2xx, or none at all. The message is a sentence for the reader. */
export class ApiError extends Error {
  constructor(
    /** 0 if the server could not be reached. */
    readonly status: number,
    message: string,
    readonly problems: readonly Problem[] = [],
    readonly requestId: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** The problem of a field of a form. */
  of(field: string): string | undefined {
    return this.problems.find(({ loc }) => loc.at(-1) === field)?.msg;
  }
}

/** A sentence of the server in the reader's language, if this console has it. Answers have no codes to go by. */
export const translated = (sentence: string): string => text.sentences[sentence] ?? sentence;

/** The sentence for any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof ApiError ? error.message : text.failed.unexpected;
}

export const hasStatus = (error: unknown, status: number): error is ApiError =>
  error instanceof ApiError && error.status === status;

export function toApiError(response: Response, body: unknown): ApiError {
  const detail = (body as { detail?: unknown } | undefined)?.detail;
  const problems = (Array.isArray(detail) ? (detail as Problem[]) : []).map(({ loc, msg }) => ({
    loc,
    msg: translated(msg),
  }));
  const message =
    typeof detail === 'string'
      ? translated(detail)
      : problems.map(({ loc, msg }) => `${String(loc.at(-1))} ${msg}`).join(', ') ||
        text.failed.status(response.status);
  const retryAfter = Number(response.headers.get('retry-after')) || null;
  return new ApiError(response.status, message, problems, response.headers.get('x-request-id'), retryAfter);
}
