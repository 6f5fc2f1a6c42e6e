import type { FastifyReply, FastifyRequest } from 'fastify';
import { QueryNumber } from './fields.js';

const MAX_PAGE_SIZE = 100;
const MAX_LONG_PAGE_SIZE = 1_000;

const Page = () => QueryNumber({ description: 'Number of the page, from 1.', minimum: 1, default: 1 });
const PageSize = (fallback: number, maximum: number) =>
  QueryNumber({ description: 'Entries per page.', minimum: 1, maximum, default: fallback });

/** Paging parameters, for `@Query()` or as the base of a query with filters. */
export class PageQuery {
  @Page()
  page = 1;

  @PageSize(50, MAX_PAGE_SIZE)
  page_size = 50;
}

/** Paging parameters of lists whose clients ask for no page and expect all. */
export class LongPageQuery {
  @Page()
  page = 1;

  @PageSize(MAX_LONG_PAGE_SIZE, MAX_LONG_PAGE_SIZE)
  page_size = MAX_LONG_PAGE_SIZE;
}

/** Offset of the page, capped so that it stays a safe integer. */
export function offsetOf({ page, page_size: size }: PageQuery): number {
  return Math.min((page - 1) * size, Number.MAX_SAFE_INTEGER - MAX_LONG_PAGE_SIZE - 1);
}

/** Documents the header of `linkNextPage`. */
export const NEXT_PAGE_LINK = {
  Link: {
    description:
      'Link to the next page, if there is one: `<…>; rel="next"` (RFC 8288), relative to this URL.',
    schema: { type: 'string' },
    example: '</api/v1/projects/?page=2&page_size=1000>; rel="next"',
  },
};

/** @param publicBaseUrl may have a path, which a proxy removes from our URLs */
export function linkNextPage(
  { url }: FastifyRequest,
  reply: FastifyReply,
  { page, page_size }: PageQuery,
  publicBaseUrl: string,
): void {
  const [path] = url.split('?', 1);
  const base = new URL(publicBaseUrl).pathname.replace(/\/$/, '');
  reply.header('link', `<${base}${path}?page=${page + 1}&page_size=${page_size}>; rel="next"`);
}
