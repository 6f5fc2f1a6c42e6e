import { PassThrough } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { type DomainError, ValidationFailed } from '../../common/errors.js';
import { MAX_JSON_BYTES, readJsonBodies, SocketAnswers } from './json-body.js';
import { RequestBodies } from './request-bodies.js';
import { RouteTable } from '../route-table.js';

describe('readJsonBodies', () => {
  let fastify: FastifyInstance;

  beforeAll(async () => {
    fastify = Fastify();
    const bodies = new RequestBodies(({ ip }) => ip);
    bodies.watch(fastify);
    readJsonBodies(fastify);
    fastify.addHook('preHandler', (request, reply) => bodies.read(request, reply));
    fastify.setErrorHandler((error, _request, reply) => {
      const refusal =
        error instanceof ValidationFailed ? error.problems : { code: (error as DomainError).code };
      void reply.code(400).send(refusal);
    });
    fastify.put('/', (request) => ({ body: request.body ?? 'nothing' }));
    fastify.delete('/', (request) => ({ body: request.body ?? 'nothing' }));
    await fastify.ready();
  });
  afterAll(() => fastify.close());

  const put = async (payload: string | Buffer, headers: Record<string, string> = {}): Promise<unknown> => {
    const answer = await fastify.inject({
      method: 'PUT',
      url: '/',
      payload,
      headers: { 'content-type': 'application/json', ...headers },
    });
    return answer.json();
  };
  const unreadable = (msg: string) => [{ loc: ['body'], msg, type: 'json_invalid' }];

  it('reads JSON of any type', async () => {
    expect(await put('{"a":[1,null,"é"]}')).toEqual({ body: { a: [1, null, 'é'] } });
    expect(await put(' [] ')).toEqual({ body: [] });
    expect(await put('"a"')).toEqual({ body: 'a' });
    expect(await put('\ufeff{}')).toEqual({ body: {} });
  });

  it('treats white space as no body', async () => {
    expect(await put('')).toEqual({ body: 'nothing' });
    expect(await put(' \n ')).toEqual({ body: 'nothing' });
  });

  it.each([
    '{',
    '{}x',
    '{}{}',
    "{'a':1}",
    '{"a":NaN}',
    '{/**/}',
    '{"a":1,}',
    '01',
    'undefined',
    '{"a":"\n"}',
    '"\\x"',
    '\0',
  ])('refuses %j', async (text) => {
    expect(await put(text)).toEqual(unreadable('is not JSON that can be read'));
  });

  it.each([
    ['an overlong encoding', [0x22, 0xc0, 0x80, 0x22]],
    ['a stray byte', [0x22, 0xff, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xe2, 0x82, 0x22]],
    ['UTF-16', [...Buffer.from('\ufeff{}', 'utf16le')]],
  ])('refuses bytes that are not UTF-8: %s', async (_, bytes) => {
    expect(await put(Buffer.from(bytes))).toEqual(unreadable('is not JSON that can be read'));
  });

  it.each([
    '{"__proto__":{"a":1}}',
    '{"\\u005f_proto__":1}',
    '{"a":[{"__proto__":null}]}',
    '{"constructor":{"prototype":{"a":1}}}',
  ])('refuses %s', async (text) => {
    expect(await put(text)).toEqual(unreadable('is not JSON that can be read'));
  });

  it('limits the depth, but ignores brackets in strings', async () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(await put(deep(16))).toHaveProperty('body');
    for (const levels of [17, 5_000])
      expect(await put(deep(levels))).toEqual(unreadable('is nested deeper than 16 levels'));
    expect(await put('{"a":'.repeat(17) + '1' + '}'.repeat(17))).toEqual(
      unreadable('is nested deeper than 16 levels'),
    );
    expect(await put(JSON.stringify({ a: `\\"${'[{'.repeat(1_000)}` }))).toEqual({
      body: { a: `\\"${'[{'.repeat(1_000)}` },
    });
  });

  it('limits the number of members', async () => {
    expect(await put(JSON.stringify(Array.from({ length: 1_001 }, () => 1)))).toHaveProperty('body');
    expect(await put(JSON.stringify(Array.from({ length: 1_002 }, () => 1)))).toEqual(
      unreadable('has more than 1000 members'),
    );
    expect(await put(JSON.stringify(','.repeat(2_000)))).toHaveProperty('body');
  });

  it('limits the size', async () => {
    const ofSize = (bytes: number) => JSON.stringify('a'.repeat(bytes - 2));
    expect(await put(ofSize(MAX_JSON_BYTES))).toHaveProperty('body');
    expect(await put(ofSize(MAX_JSON_BYTES + 1))).toEqual({ code: 'body_too_large' });
  });

  it.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8', 'Utf-8 '])('reads charset=%s', async (charset) => {
    expect(await put('{}', { 'content-type': `application/json; charset=${charset}` })).toEqual({ body: {} });
  });

  it.each(['utf-16', 'UTF-16LE', 'iso-8859-1', '"latin1"', 'utf-7', 'utf-80', 'x-utf-8'])(
    'refuses charset=%s',
    async (charset) => {
      expect(await put('{}', { 'content-type': `application/json; charset=${charset}` })).toEqual({
        code: 'unsupported_media_type',
      });
    },
  );

  it.each(['gzip', 'br', 'deflate', 'GZIP', 'identity, gzip'])(
    'refuses a body encoded as %s',
    async (encoding) => {
      expect(await put('{}', { 'content-encoding': encoding })).toEqual({ code: 'unsupported_media_type' });
    },
  );

  it('reads a body with Content-Encoding: identity', async () => {
    expect(await put('{}', { 'content-encoding': 'identity' })).toEqual({ body: {} });
  });

  it.each([
    'text/plain',
    'text/json',
    'application/xml',
    'application/merge-patch+json',
    'application/jsonp',
    'application/json-seq',
    '*/*',
  ])('refuses %s', async (type) => {
    expect(await put('{}', { 'content-type': type })).toEqual({ code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' });
  });

  it('ignores the body of a DELETE', async () => {
    const answer = await fastify.inject({
      method: 'DELETE',
      url: '/',
      payload: '{',
      headers: { 'content-type': 'text/xml' },
    });
    expect(answer.json()).toEqual({ body: 'nothing' });
  });
});

const answers = new SocketAnswers(new RouteTable(), {
  hasOtherForm: () => false,
  answerTo: (_url, { message }) => ({ body: { detail: message }, headers: {} }),
});
const refuse = (socket: PassThrough, fields: { code?: string; rawPacket?: Buffer }): void =>
  answers.answerUnparsable(Object.assign(new Error('sk_test_aaaaaaaa'), fields), socket);

describe('answerUnparsable', () => {
  it.each([
    [{ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, '408 Request Timeout'],
    [{ code: 'HPE_HEADER_OVERFLOW' }, '431 Request Header Fields Too Large'],
    [{ code: 'HPE_INVALID_CONSTANT' }, '400 Bad Request'],
    [{ code: 'HPE_INVALID_METHOD' }, '400 Bad Request'],
    [{ code: 'HPE_INVALID_METHOD', rawPacket: Buffer.from([0x16, 0x03, 0x01]) }, '400 Bad Request'],
    [{}, '400 Bad Request'],
  ])('answers %j with %s, and nothing of the error', async (fields, status) => {
    const socket = new PassThrough();
    refuse(socket, fields);
    const answer = (await socket.toArray()).map(String).join('');
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n`));
    expect(answer).toMatch(/\r\nX-Request-Id: [0-9a-f-]{36}\r\n/);
    const [, body = ''] = answer.split('\r\n\r\n');
    expect(answer).toContain(`\r\nContent-Length: ${body.length}\r\n`);
    expect(JSON.parse(body)).toEqual({ detail: expect.stringMatching(/^The request .+\.$/) as string });
    expect(answer).not.toContain('sk_test_');
  });

  it('writes nothing to a closed connection', () => {
    const socket = new PassThrough();
    refuse(socket, { code: 'ECONNRESET' });
    expect(socket.destroyed).toBe(true);
    expect(socket.read()).toBeNull();
  });
});
