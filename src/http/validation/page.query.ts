import { QueryNumber } from './fields.js';

const MAX_PAGE_SIZE = 100;

/** Paging parameters, for `@Query()` or as the base of a query with filters. */
export class PageQuery {
  @QueryNumber({ description: 'Which page, from 1.', minimum: 1, default: 1 })
  page = 1;

  @QueryNumber({
    description: 'How many entries a page has.',
    minimum: 1,
    maximum: MAX_PAGE_SIZE,
    default: 50,
  })
  page_size = 50;
}

/** Offset of the page, capped so that it stays a safe integer. */
export function offsetOf({ page, page_size: size }: PageQuery): number {
  return Math.min((page - 1) * size, Number.MAX_SAFE_INTEGER - MAX_PAGE_SIZE);
}
