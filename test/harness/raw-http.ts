import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import type { TestApp } from './test-app.js';

export interface RawAnswer {
  status: number;
  /** By lower-case name. */
  headers: Record<string, string>;
  body: string;
}

/** A request that is being sent. */
export interface OpenRequest {
  write(bytes: string | Buffer): void;
  /** Stops reading. */
  pause(): void;
  destroy(): void;
  /** Resolves with the first line. */
  readonly status: Promise<number>;
  /** Resolves when the server closes the connection. */
  readonly answer: Promise<RawAnswer>;
}

/**
 * Sends raw bytes, for requests that HTTP clients can't make, and reads until the server closes the
 * connection.
 */
export function sendBytes(app: TestApp, bytes: string | Buffer): Promise<RawAnswer> {
  return openBytes(app, bytes).answer;
}

/** @param head method and target, `GET /health/live` @param headers sent unchanged, repeated names too */
export function sendRaw(
  app: TestApp,
  head: string,
  headers: string[] = [],
  body: string | Buffer = '',
): Promise<RawAnswer> {
  const request = headOf(head, ['Connection: close', ...headers]);
  return sendBytes(app, Buffer.concat([Buffer.from(request), Buffer.from(body)]));
}

/** Sends only the headers. The connection stays open until the server closes it. */
export function openRequest(app: TestApp, head: string, headers: string[]): OpenRequest {
  return openBytes(app, headOf(head, headers));
}

function headOf(head: string, headers: string[]): string {
  return [`${head} HTTP/1.1`, 'Host: tillkeeper.test', ...headers, '', ''].join('\r\n');
}

function openBytes({ app }: TestApp, bytes: string | Buffer): OpenRequest {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server that refuses a request may close the connection before it has read everything.
  socket.on('error', () => undefined);
  socket.write(bytes);
  const received = () => parse(Buffer.concat(chunks).toString());
  return {
    write: (more) => void (socket.writable && socket.write(more)),
    pause: () => void socket.pause(),
    destroy: () => void socket.destroy(),
    status: once(socket, 'data').then(() => received().status),
    answer: once(socket, 'close').then(received),
  };
}

function parse(answer: string): RawAnswer {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => {
    const [name = '', ...value] = line.split(': ');
    return [name.toLowerCase(), value.join(': ')];
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: rest.join('\r\n\r\n'),
  };
}
