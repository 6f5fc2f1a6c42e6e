import { randomUUID } from 'node:crypto';
import { type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { answersOnly, type RouteTable } from './route-table.js';

interface ClientError extends Error {
  code?: string;
  /** The bytes that the parser had; Fastify's types take it for something else. */
  rawPacket?: unknown;
}

const REQUEST_TARGET = /^\S+ (\S+) HTTP\//;

const SENTENCES: Record<string, [status: number, detail: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The request headers are too large.'],
};

/** What Node's HTTP parser refuses has no request and no reply: the bytes go to the socket. */
export function answerUnparsable(error: ClientError, socket: Duplex, routes: RouteTable): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  // Node parses only the methods that it knows.
  const [, url] = (error.code === 'HPE_INVALID_METHOD' && REQUEST_TARGET.exec(String(error.rawPacket))) || [];
  const allowed = url && routes.allowedMethods(url);
  if (allowed) return refuseMethod(socket, allowed);
  const [status, detail] = SENTENCES[error.code ?? ''] ?? [400, 'The request is not valid HTTP.'];
  answer(socket, status, detail);
}

/** Node hangs up on CONNECT, and answers an unknown `Expect` by itself, unless somebody listens. */
export function answerOddRequests(server: Server, routes: RouteTable): void {
  server.on('connect', ({ url = '' }, socket) => refuseMethod(socket, routes.allowedMethods(url) ?? []));
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

function refuseMethod(socket: Duplex, allowed: string[]): void {
  answer(socket, 405, answersOnly(allowed), [`Allow: ${allowed.join(', ')}`]);
}

function answer(socket: Duplex, status: number, detail: string, headers: string[] = []): void {
  const body = JSON.stringify({ detail });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${randomUUID()}`,
      ...headers,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
