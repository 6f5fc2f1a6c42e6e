import type { FastifyInstance, FastifyRequest } from 'fastify';
import Router from 'find-my-way';
import { DomainError } from '../common/errors.js';

export function answersOnly(methods: string[]): string {
  return `This URL answers ${methods.join(', ') || 'no method'}.`;
}

/** Records the methods of each path, so that a wrong method gets 405 with `Allow` instead of 404. */
export class RouteTable {
  readonly #methods = new Map<string, Set<string>>();
  readonly #router = Router({ ignoreTrailingSlash: true, maxParamLength: Number.MAX_SAFE_INTEGER });

  /** @param hidden prefixes of routes that are switched off and answer 404 */
  constructor(private readonly hidden: readonly string[] = []) {}

  /** Records every route that is registered after this call. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ url, method }) => {
      if (url.includes('*') || this.isHidden(url)) return;
      const path = url.replace(/(?<=.)\/$/, '');
      const known = this.#methods.get(path);
      const methods = known ?? new Set<string>();
      for (const each of [method].flat()) methods.add(each);
      if (known) return;
      this.#methods.set(path, methods);
      this.#router.on('GET', path, () => undefined, methods);
    });
  }

  isHidden(route: string | undefined): boolean {
    return this.hidden.some((prefix) => route?.startsWith(prefix));
  }

  /** @returns the methods of the path, or `undefined` if there is no such path */
  allowedMethods(url: string): string[] | undefined {
    const path = url.split('?', 1)[0] ?? url;
    const found = this.#router.find('GET', path);
    // Nest matches no empty parameter.
    if (!found || Object.values(found.params).includes('')) return undefined;
    return [...(found.store as Set<string>)].sort();
  }
}

/** Answers 404 before the body is parsed, so that an unknown URL gets no error about its body. */
export function refuseUnknownRoutes(fastify: FastifyInstance, routes: RouteTable): void {
  fastify.addHook('preParsing', (request, _reply, _payload, done) => done(refusalOf(request, routes)));
}

function refusalOf(
  { headers, is404, raw, routeOptions }: FastifyRequest,
  routes: RouteTable,
): DomainError | null {
  if (headers.host === undefined && raw.httpVersion === '1.1')
    return new DomainError('malformed_request', 'The Host header is missing.');
  if (raw.rawHeaders.filter((text, nth) => nth % 2 === 0 && text.toLowerCase() === 'host').length > 1)
    return new DomainError('malformed_request', 'There is more than one Host header.');
  const isNowhere = is404 || routes.isHidden(routeOptions.url);
  return isNowhere ? new DomainError('route_not_found', 'There is nothing at this URL.') : null;
}
