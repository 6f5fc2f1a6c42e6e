import { RequestPipe } from './request.pipe.js';
import { ValidationFailed } from '../../common/errors.js';
import type { Settings } from '../../config/settings.js';
import { offsetOf, PageQuery } from './page.query.js';

const read = (query: unknown) =>
  new RequestPipe({} as Settings).transform(query, { type: 'query', metatype: PageQuery }) as PageQuery;

function problemsOf(query: unknown): string[] {
  try {
    read(query);
  } catch (error) {
    if (error instanceof ValidationFailed)
      return error.problems.map(({ loc, type }) => `${loc.join('.')} ${type}`);
  }
  return [];
}

describe('PageQuery', () => {
  it('is the first 50 by default', () => {
    expect(read({})).toEqual({ page: 1, page_size: 50 });
    expect(read({ page: '3', page_size: '100', other: 'x' })).toEqual({ page: 3, page_size: 100 });
    expect(offsetOf(read({ page: '3', page_size: '100' }))).toBe(200);
  });

  it.each(['', '1.0', '1e1', ' 1', '+1', '0x1', 'one', '9'.repeat(301), ['1', '2'], { a: '1' }])(
    'refuses %j as not a whole number',
    (value) => {
      expect(problemsOf({ page: value, page_size: value })).toEqual([
        'query.page int_type',
        'query.page_size int_type',
      ]);
    },
  );

  it('has bounds', () => {
    expect(problemsOf({ page: '0', page_size: '101' })).toEqual([
      'query.page greater_than_equal',
      'query.page_size less_than_equal',
    ]);
    expect(problemsOf({ page: '-1', page_size: '0' })).toEqual([
      'query.page greater_than_equal',
      'query.page_size greater_than_equal',
    ]);
    expect(problemsOf({ page: '999999999', page_size: '1' })).toEqual([]);
    expect(problemsOf({ page_size: '9'.repeat(300) })).toEqual(['query.page_size less_than_equal']);
  });

  it('limits the offset of a very high page to a number that the database accepts', () => {
    expect(String(offsetOf(read({ page: '9'.repeat(300), page_size: '100' })))).toMatch(
      /^9007199254739\d{3}$/,
    );
  });
});
