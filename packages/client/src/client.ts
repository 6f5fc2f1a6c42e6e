import { randomUUID } from 'node:crypto';
import createOpenApiClient, { type FetchResponse, type MaybeOptionalInit } from 'openapi-fetch';
import type { HttpMethod, MediaType, PathsWithMethod, RequiredKeysOf } from 'openapi-typescript-helpers';
import { IDEMPOTENT_OPERATIONS, type paths } from './api.js';
import { errorOf } from './errors.js';
import { withRetries } from './retries.js';

export interface ClientOptions {
  /** Where the server answers, such as `https://pay.example.com`. */
  readonly baseUrl: string;
  /** An access token or the key of a service account, or what gets one. It is asked for each request. */
  readonly token?: string | (() => string | Promise<string>);
  /** Repetitions of a failed request. 2 by default. */
  readonly maxRetries?: number;
  /** Milliseconds for one attempt. 30,000 by default. */
  readonly timeoutMs?: number;
  /** Replaces the `fetch` of Node. */
  readonly fetch?: typeof globalThis.fetch;
}

type Argument<Init> =
  RequiredKeysOf<Init> extends never
    ? [init?: Init & Record<string, unknown>]
    : [init: Init & Record<string, unknown>];

/** Sends a request. Anything but a success is thrown as a `TillkeeperError`. */
type Call<Method extends HttpMethod> = <
  Path extends PathsWithMethod<paths, Method>,
  Init extends MaybeOptionalInit<paths[Path], Method>,
>(
  path: Path,
  ...init: Argument<Init>
) => Promise<Answer<FetchResponse<paths[Path][Method] & object, Init, MediaType>['data']>>;

interface Answer<Data> {
  /** The parsed body; `undefined` for an answer without one. */
  readonly data: [NonNullable<Data>] extends [never] ? undefined : Exclude<Data, undefined>;
  readonly response: Response;
}

/** The API of Tillkeeper. Each method takes a path of the OpenAPI document and returns `data` and `response`. */
export interface Client {
  readonly get: Call<'get'>;
  readonly post: Call<'post'>;
  readonly put: Call<'put'>;
  readonly patch: Call<'patch'>;
  readonly delete: Call<'delete'>;
}

const TAKES_IDEMPOTENCY_KEY = new Set<string>(IDEMPOTENT_OPERATIONS);

export function createClient({
  baseUrl,
  token,
  maxRetries = 2,
  timeoutMs = 30_000,
  fetch = globalThis.fetch,
}: ClientOptions): Client {
  /** Requests with an idempotency key that their operation honours. Others ignore the header. */
  const recognized = new WeakSet<Request>();
  const isRecognized = (request: Request) => recognized.has(request);
  const api = createOpenApiClient<paths>({
    baseUrl,
    fetch: withRetries(fetch, { maxRetries, timeoutMs, isRecognized }),
  });
  api.use({
    async onRequest({ request, schemaPath }) {
      const { headers, method } = request;
      const value = typeof token === 'function' ? await token() : token;
      if (value !== undefined && !headers.has('authorization'))
        headers.set('authorization', `Bearer ${value}`);
      if (!TAKES_IDEMPOTENCY_KEY.has(`${method} ${schemaPath}`)) return;
      // Equal in all attempts, so that the server answers a repetition without doing it again.
      if (!headers.has('idempotency-key')) headers.set('idempotency-key', randomUUID());
      recognized.add(request);
    },
    async onResponse({ response }) {
      if (!response.ok) throw await errorOf(response);
    },
  });
  // The middleware throws whatever has an `error`.
  return {
    get: api.GET as Call<'get'>,
    post: api.POST as Call<'post'>,
    put: api.PUT as Call<'put'>,
    patch: api.PATCH as Call<'patch'>,
    delete: api.DELETE as Call<'delete'>,
  };
}
