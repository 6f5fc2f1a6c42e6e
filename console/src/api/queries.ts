import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, ask, askWithResponse, every } from './client';
import { hasStatus, toApiError } from './errors';
import { BASE } from './place';
import type { Mode, paths } from './types';

type QueryOf<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Query } } }
  ? NonNullable<Query>
  : never;

const STRIPE = '/api/v1/payments/stripe/projects/{project_id}';
const at = (project_id: string) => ({ path: { project_id } });

export const MINUTE = 60_000;

/** What the server says about itself before anybody signs in. */
interface ServerInfo {
  version: string;
  platform: { name: string };
  sign_in: { password: boolean; registration: boolean; oidc: boolean };
  accepts_restricted_keys?: boolean;
}

export const serverInfo = queryOptions({
  queryKey: ['server'],
  staleTime: Infinity,
  queryFn: async (): Promise<ServerInfo> => {
    const response = await fetch(`${BASE}/config.json`);
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw toApiError(response, body);
    return body as ServerInfo;
  },
});

export const me = queryOptions({
  queryKey: ['me'],
  staleTime: MINUTE,
  // Developers of another authorization server have no account here.
  queryFn: () =>
    ask(api.GET('/api/v1/auth/me')).catch((error: unknown) => {
      if (hasStatus(error, 404) || hasStatus(error, 403)) return null;
      throw error;
    }),
});

export const projects = queryOptions({
  queryKey: ['projects'],
  staleTime: MINUTE,
  queryFn: () => ask(api.GET('/api/v1/projects/', { params: { query: { page_size: 1_000 } } })),
});

export const project = (id: string) =>
  queryOptions({
    queryKey: ['projects', id],
    staleTime: MINUTE,
    queryFn: () => ask(api.GET('/api/v1/projects/{project_id}', { params: at(id) })),
  });

export const config = (id: string) =>
  queryOptions({
    queryKey: [id, 'config'],
    queryFn: async () => {
      const { data, response } = await askWithResponse(api.GET(`${STRIPE}/config`, { params: at(id) }));
      return { config: data, etag: response.headers.get('etag') };
    },
  });

export const status = (id: string) =>
  queryOptions({
    queryKey: [id, 'status'],
    refetchInterval: every(MINUTE),
    queryFn: () => ask(api.GET(`${STRIPE}/config/status`, { params: at(id) })),
  });

export const webhookUrls = (id: string) =>
  queryOptions({
    queryKey: [id, 'webhook-urls'],
    staleTime: Infinity,
    queryFn: () => ask(api.GET(`${STRIPE}/webhook-urls`, { params: at(id) })),
  });

export const PAGE_SIZE = 50;

type EventQuery = QueryOf<`${typeof STRIPE}/webhook-events`>;
const EVENTS_PAGE = 100;

export const events = (id: string, query: EventQuery, follow = false) =>
  infiniteQueryOptions({
    // Following reads the newest page again and again, and no older ones.
    queryKey: [id, 'events', query, follow],
    refetchInterval: every(follow ? 3_000 : false),
    placeholderData: keepPreviousData,
    initialPageParam: 1,
    queryFn: ({ pageParam: page }) =>
      ask(
        api.GET(`${STRIPE}/webhook-events`, {
          params: { ...at(id), query: { ...query, page, page_size: EVENTS_PAGE } },
        }),
      ),
    getNextPageParam: ({ page, page_size, total }) =>
      !follow && page * page_size < total ? page + 1 : undefined,
  });

export const problemEvents = (id: string) =>
  queryOptions({
    queryKey: [id, 'events', 'problems'],
    refetchInterval: every(MINUTE),
    queryFn: async () => {
      const count = async (outcome: 'failed' | 'unreadable') => {
        const query = { outcome, page_size: 1 };
        const list = await ask(api.GET(`${STRIPE}/webhook-events`, { params: { ...at(id), query } }));
        return list.total;
      };
      const [failed, unreadable] = await Promise.all([count('failed'), count('unreadable')]);
      return { failed, unreadable };
    },
  });

type PaymentQuery = QueryOf<`${typeof STRIPE}/payments`>;
type SubscriptionQuery = QueryOf<`${typeof STRIPE}/subscriptions`>;

export const payments = (id: string, query: PaymentQuery) =>
  queryOptions({
    queryKey: [id, 'payments', query],
    placeholderData: keepPreviousData,
    queryFn: () => ask(api.GET(`${STRIPE}/payments`, { params: { ...at(id), query } })),
  });

export const subscriptions = (id: string, query: SubscriptionQuery) =>
  queryOptions({
    queryKey: [id, 'subscriptions', query],
    placeholderData: keepPreviousData,
    queryFn: () => ask(api.GET(`${STRIPE}/subscriptions`, { params: { ...at(id), query } })),
  });

export const series = (
  id: string,
  mode: Mode,
  from: string,
  to: string,
  interval: 'day' | 'week' | 'month',
) =>
  queryOptions({
    queryKey: [id, 'series', mode, from, to, interval],
    placeholderData: keepPreviousData,
    staleTime: MINUTE,
    queryFn: () =>
      ask(api.GET(`${STRIPE}/stats/series`, { params: { ...at(id), query: { mode, from, to, interval } } })),
  });

type HistoryQuery = QueryOf<`${typeof STRIPE}/config/history`>;

export const history = (id: string, query: HistoryQuery) =>
  queryOptions({
    queryKey: [id, 'history', query],
    placeholderData: keepPreviousData,
    queryFn: () => ask(api.GET(`${STRIPE}/config/history`, { params: { ...at(id), query } })),
  });

export const historyVerification = (id: string) =>
  queryOptions({
    queryKey: [id, 'history', 'verification'],
    staleTime: MINUTE,
    queryFn: () => ask(api.GET(`${STRIPE}/config/history/verification`, { params: at(id) })),
  });

export const members = (id: string) =>
  queryOptions({
    queryKey: [id, 'members'],
    queryFn: () => ask(api.GET('/api/v1/projects/{project_id}/members', { params: at(id) })),
  });

export const notifications = (id: string) =>
  queryOptions({
    queryKey: [id, 'notifications'],
    queryFn: () => ask(api.GET('/api/v1/projects/{project_id}/members/me/notifications', { params: at(id) })),
  });

export const invitations = (id: string) =>
  queryOptions({
    queryKey: [id, 'invitations'],
    queryFn: () => ask(api.GET('/api/v1/projects/{project_id}/invitations', { params: at(id) })),
  });

export const serviceAccounts = (id: string) =>
  queryOptions({
    queryKey: [id, 'service-accounts'],
    queryFn: () => ask(api.GET('/api/v1/projects/{project_id}/service-accounts', { params: at(id) })),
  });

export const destinations = (id: string) =>
  queryOptions({
    queryKey: [id, 'destinations'],
    refetchInterval: every(MINUTE),
    queryFn: () => ask(api.GET(`${STRIPE}/event-destinations`, { params: at(id) })),
  });

export const deliveries = (
  id: string,
  destination_id: string,
  state: 'pending' | 'delivered' | 'failed' | undefined,
) =>
  infiniteQueryOptions({
    queryKey: [id, 'deliveries', destination_id, state],
    placeholderData: keepPreviousData,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor }) =>
      ask(
        api.GET(`${STRIPE}/event-destinations/{destination_id}/deliveries`, {
          params: { path: { project_id: id, destination_id }, query: { state, cursor } },
        }),
      ),
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });

export const connectLinks = (id: string) =>
  queryOptions({
    queryKey: [id, 'connect-links'],
    refetchInterval: every(MINUTE),
    queryFn: () => ask(api.GET(`${STRIPE}/connect-links`, { params: at(id) })),
  });

export const gatewayKeys = (id: string) =>
  queryOptions({
    queryKey: [id, 'gateway-keys'],
    queryFn: () => ask(api.GET(`${STRIPE}/gateway-keys`, { params: at(id) })),
  });

export const gatewayKeyUsage = (id: string, gateway_key_id: string) =>
  queryOptions({
    queryKey: [id, 'gateway-keys', gateway_key_id, 'usage'],
    queryFn: () =>
      ask(
        api.GET(`${STRIPE}/gateway-keys/{gateway_key_id}/usage`, {
          params: { path: { project_id: id, gateway_key_id } },
        }),
      ),
  });

export const sessions = queryOptions({
  queryKey: ['sessions'],
  queryFn: () => ask(api.GET('/api/v1/auth/sessions', { params: { query: { page_size: 100 } } })),
});

type OperatorQuery = QueryOf<'/api/v1/operator/projects'>;

export const operatorProjects = (query: OperatorQuery) =>
  infiniteQueryOptions({
    queryKey: ['operator', 'projects', query],
    placeholderData: keepPreviousData,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor }) =>
      ask(api.GET('/api/v1/operator/projects', { params: { query: { ...query, cursor } } })),
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });

/** Whether the caller is an operator. */
export const isOperator = queryOptions({
  queryKey: ['operator'],
  staleTime: Infinity,
  queryFn: () =>
    ask(api.GET('/api/v1/operator/projects', { params: { query: { limit: 1 } } })).then(
      () => true,
      (error: unknown) => {
        if (hasStatus(error, 403)) return false;
        throw error;
      },
    ),
});

export const system = queryOptions({
  queryKey: ['operator', 'system'],
  refetchInterval: every(10_000),
  queryFn: () => ask(api.GET('/api/v1/operator/system')),
});

/** A few projects with a health or problem. */
export const projectsWith = (health: NonNullable<OperatorQuery['health']>) =>
  queryOptions({
    queryKey: ['operator', 'with', health],
    refetchInterval: every(MINUTE),
    queryFn: () => ask(api.GET('/api/v1/operator/projects', { params: { query: { health, limit: 10 } } })),
  });
