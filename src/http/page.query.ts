import { Transform } from 'class-transformer';
import { WholeNumber } from './whole-number.decorator.js';

/** The query has text; what is none of these stays text, and is no number to the check that follows. */
const FromText = () =>
  Transform(({ value }: { value: unknown }) => (typeof value === 'string' && /^-?\d{1,300}$/.test(value) ? Number(value) : value));

const MAX_PAGE_SIZE = 100;

/** Which part of a list: for `@Query()`, alone or as the base of a query with filters. */
export class PageQuery {
  @FromText()
  @WholeNumber({ description: 'Which page, from 1.', minimum: 1, default: 1 })
  page = 1;

  @FromText()
  @WholeNumber({ description: 'How many entries a page has.', minimum: 1, maximum: MAX_PAGE_SIZE, default: 50 })
  page_size = 50;
}

/** How many entries come before the page: at most so many that a database can count to its end. */
export function offsetOf({ page, page_size: size }: PageQuery): number {
  return Math.min((page - 1) * size, Number.MAX_SAFE_INTEGER - MAX_PAGE_SIZE);
}
