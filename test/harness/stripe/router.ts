import type { ApiKey, Permission } from './keys.js';
import type { Params } from './params.js';
import { badRequest, missing, unknownUrl } from './refusals.js';
import type { Kind, Resources } from './resources.js';
import type { StripeData } from './stripe-data.js';

export interface Call {
  readonly key: ApiKey;
  readonly data: StripeData;
  readonly params: Params;
  /** The value of `:id` in the path. */
  readonly id: string;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly permission: Permission;
  /** Accepted parameters, besides `expand`. */
  readonly accepts: readonly string[];
  readonly answer: (call: Call) => unknown;
}

type Change = (call: Call) => unknown;

export function route(
  method: Route['method'],
  path: string,
  permission: Permission,
  accepts: readonly string[],
  answer: Change,
): Route {
  return { method, path, permission, accepts, answer };
}

export function retrieve(kind: Kind, path: string, permission: Permission): Route {
  return route('GET', `${path}/:id`, permission, [], ({ data, id }) => data.get(kind, id));
}

/** A filter maps a parameter of the list to the compared value. */
type Filters<T> = Record<string, (resource: T) => string | boolean | null | undefined>;

export function list<K extends Kind>(
  kind: K,
  path: string,
  permission: Permission,
  filters: Filters<Resources[K]> = {},
): Route {
  const accepts = [
    'limit',
    'starting_after',
    'ending_before',
    'created',
    ...Object.keys(filters).map((name) => name.replace(/\[.*/, '')),
  ];
  return route('GET', path, permission, accepts, ({ data, params }) => {
    const wanted = Object.entries(filters).filter(([name]) => params.text(name) !== undefined);
    const matching = data
      .all(kind)
      .filter((resource) => wanted.every(([name, read]) => String(read(resource)) === params.text(name)));
    return page(matching, params, path, kind);
  });
}

/** One page of a list, the newest first. */
export function page<T extends { id: string; created: number }>(
  all: readonly T[],
  params: Params,
  url: string,
  what: string,
) {
  const limit = params.integer('limit', 1, 100) ?? 10;
  if (params.has('starting_after') && params.has('ending_before'))
    throw badRequest('Received both starting_after and ending_before parameters. Please pass in only one.');
  const matching = all.filter(({ created }) => isWithin(created, params));
  const indexOf = (cursor: 'starting_after' | 'ending_before') => {
    const index = matching.findIndex(({ id }) => id === params.text(cursor));
    if (index < 0) throw missing(what, params.required(cursor), cursor);
    return index;
  };
  if (params.has('ending_before')) {
    const end = indexOf('ending_before');
    return {
      object: 'list',
      data: matching.slice(Math.max(end - limit, 0), end),
      has_more: end > limit,
      url,
    };
  }
  const start = params.has('starting_after') ? indexOf('starting_after') + 1 : 0;
  return {
    object: 'list',
    data: matching.slice(start, start + limit),
    has_more: matching.length > start + limit,
    url,
  };
}

function isWithin(created: number, params: Params): boolean {
  const range = params.at('created');
  const exact = params.integer('created') ?? created;
  const from = Math.max(range.integer('gte') ?? -Infinity, (range.integer('gt') ?? -Infinity) + 1);
  const to = Math.min(range.integer('lte') ?? Infinity, (range.integer('lt') ?? Infinity) - 1);
  return created === exact && created >= from && created <= to;
}

export function match(routes: readonly Route[], method: string, path: string): { route: Route; id: string } {
  for (const candidate of routes) {
    if (candidate.method !== method) continue;
    const found = new RegExp(`^${candidate.path.replace(':id', '([^/]+)')}$`).exec(path);
    if (found) return { route: candidate, id: decodeURIComponent(found[1] ?? '') };
  }
  throw unknownUrl(method, path);
}
