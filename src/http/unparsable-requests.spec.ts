import { PassThrough } from 'node:stream';
import { RouteTable } from './route-table.js';
import { answerUnparsable } from './unparsable-requests.js';

const refuse = (socket: PassThrough, fields: { code?: string; rawPacket?: Buffer }): void =>
  answerUnparsable(Object.assign(new Error('sk_test_aaaaaaaa'), fields), socket, new RouteTable());

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

  it('says nothing to a client that hung up', () => {
    const socket = new PassThrough();
    refuse(socket, { code: 'ECONNRESET' });
    expect(socket.destroyed).toBe(true);
    expect(socket.read()).toBeNull();
  });
});
