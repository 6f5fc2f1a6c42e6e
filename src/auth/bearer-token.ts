import type { FastifyRequest } from 'fastify';

const BEARER = /^bearer +(.+)$/i;

/**
 * The bearer token of a request, from the Authorization header and nowhere else. Of several such headers Node shows only the first,
 * and a proxy in front may judge by another; here they count as one header with a comma in it, which is never a valid token.
 */
export function bearerToken({ raw }: FastifyRequest): string | null {
  const header = raw.rawHeaders
    .filter((_, index, headers) => headers[index - 1]?.toLowerCase() === 'authorization' && index % 2 === 1)
    .join(', ');
  return BEARER.exec(header)?.[1] ?? null;
}
