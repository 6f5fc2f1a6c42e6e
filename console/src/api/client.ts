import { QueryClient } from '@tanstack/react-query';
import createClient from 'openapi-fetch';
import { text } from '../text';
import { ApiError, toApiError } from './errors';
import { SERVER } from './place';
import { accessToken } from './session';
import type { paths } from './types';

async function send(request: Request, token: string | null): Promise<Response> {
  if (token !== null) request.headers.set('authorization', `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, text.failed.offline);
  }
}

/** A session that another tab ended, or that expired while the computer slept, is renewed once. */
async function sendWithSession(request: Request): Promise<Response> {
  const again = request.clone();
  const token = await accessToken();
  const response = await send(request, token);
  if (response.status !== 401 || token === null) return response;
  const next = await accessToken(token);
  return next === null ? response : send(again, next);
}

export const api = createClient<paths>({ baseUrl: SERVER, fetch: sendWithSession });

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of an answer, or an `ApiError`. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  return (await askWithResponse(call)).data;
}

export async function askWithResponse<T>(call: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await call;
  if (!response.ok) throw toApiError(response, error);
  return { data: data as T, response };
}

/** Outages pass; everything else is an answer. */
const isOutage = (error: unknown) =>
  error instanceof ApiError && (error.status === 0 || error.status === 503 || error.status === 429);

const RECOVERY_MS = 5_000;

/** Asks again soon after an outage, so that a page recovers by itself. */
export const every =
  (usual: number | false) =>
  ({ state: { error } }: { state: { error: Error | null } }): number | false =>
    isOutage(error) ? RECOVERY_MS : usual;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => count < 2 && isOutage(error),
      refetchInterval: every(false),
      // The server is asked even if the browser believes to be offline: it may run on this machine.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
