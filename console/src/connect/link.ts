import { ApiError, toApiError } from '../api/errors';
import { SERVER } from '../api/place';
import type { Schema } from '../api/types';
import { text } from '../text';

/** The link's token, from the page's own URL. It is sent in a header only. */
const token = location.pathname.slice(location.pathname.lastIndexOf('/') + 1);

/** Another check of the project is under way. */
const BUSY = 409;
const MOST_TRIES = 5;
const PAUSE_MS = 1_000;

async function send<T>(operation: string, body?: object, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(`${SERVER}/api/v1/connect${operation}`, {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal,
    }).catch(() => {
      throw new ApiError(0, text.failed.offline);
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer as T;
    if (response.status !== BUSY || tries === MOST_TRIES) throw toApiError(response, answer);
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    signal?.throwIfAborted();
  }
}

export type Page = Schema<'ConnectPage'>;
export type Verdict = Schema<'ConnectVerdict'>;
export type Completion = Schema<'ConnectCompletion'>;

export const read = (signal: AbortSignal) => send<Page>('', undefined, signal);
export const check = (secret_key: string, signal: AbortSignal) =>
  send<Verdict>('/check', { secret_key }, signal);
export const complete = (secret_key: string) => send<Completion>('/complete', { secret_key });

/** The sentence for a failure. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return text.failed.unexpected;
  if (error.status === 429) return text.connect.tooMany(error.retryAfter ?? 60);
  if (error.status === 503) return text.connect.unavailable;
  return error.of('secret_key') ?? error.message;
}

/** Why the link can not be used: it ended, or there never was such a link. */
export type Refusal = 'ended' | 'unknown';

export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.status === 410) return 'ended';
  return error.status === 404 || error.status === 401 ? 'unknown' : undefined;
}
