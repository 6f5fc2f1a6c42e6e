import { ForbiddenException, HttpException, NotFoundException } from '@nestjs/common';
import { DomainError } from '../common/errors.js';
import { toDomainError } from './error.filter.js';

const SECRET = 'sk_test_aaaaaaaa';
const failure = (fields: object) => Object.assign(new Error(SECRET), fields);

describe('toDomainError', () => {
  it('keeps our own errors', () => {
    const error = new DomainError('rate_limited', 'Wait.');
    expect(toDomainError(error)).toBe(error);
  });

  it.each([
    [{ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }, 'body_too_large'],
    [{ code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }, 'unsupported_media_type'],
    [{ code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH', statusCode: 400 }, 'malformed_request'],
    [{ code: 'FST_ERR_BAD_URL', statusCode: 400 }, 'malformed_request'],
    [{ code: 'FST_ERR_NOT_FOUND', statusCode: 404 }, 'route_not_found'],
    [{ code: 'FST_STATIC_FORBIDDEN_PATH', statusCode: 403 }, 'route_not_found'],
    [{ name: 'FastifyError', code: 'FST_ERR_SOMETHING_NEW', statusCode: 418 }, 'malformed_request'],
    [{ name: 'RangeNotSatisfiableError', expose: true, statusCode: 416 }, 'malformed_request'],
    [{ code: 'ECONNRESET', statusCode: 400 }, 'malformed_request'],
  ])('recognises %j, and does not show its message', (fields, code) => {
    const error = toDomainError(failure(fields));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain(SECRET);
  });

  it.each([
    [
      'an error of Stripe, whose status is not ours',
      failure({ statusCode: 401, code: 'api_key_expired', type: 'StripeAuthenticationError' }),
    ],
    ['an unknown error', failure({})],
    ['a connection that another server reset', failure({ code: 'ECONNRESET' })],
    ['a server error of Fastify', failure({ name: 'FastifyError', statusCode: 500 })],
    ['an error of a file, hidden', failure({ expose: false, statusCode: 404 })],
    ['an exception of Nest', new ForbiddenException(SECRET)],
    ['a 418 of Nest', new HttpException(SECRET, 418)],
    ['no error at all', SECRET],
    ['nothing', undefined],
  ])('shows nothing of %s', (_, thrown) => {
    const error = toDomainError(thrown);
    expect(error).toMatchObject({
      code: 'internal_error',
      message: 'Something went wrong on our side.',
      cause: thrown,
    });
  });

  it('turns Nest’s 404 into route_not_found', () => {
    expect(toDomainError(new NotFoundException(SECRET))).toMatchObject({
      code: 'route_not_found',
      message: 'There is nothing at this URL.',
    });
  });
});
