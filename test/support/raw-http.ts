import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import type { TestApp } from './test-app.js';

export interface RawAnswer {
  status: number;
  /** By lower-case name. */
  headers: Record<string, string>;
  body: string;
}

/** Sends bytes as they are, for requests that no HTTP client would make, and reads until the server hangs up. */
export async function sendBytes({ app }: TestApp, bytes: string | Buffer): Promise<RawAnswer> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server that refuses a request may hang up before it has read all of it.
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return parse(Buffer.concat(chunks).toString());
}

/** @param head method and target, `GET /health/live` @param headers as they stand, also several of one name */
export function sendRaw(app: TestApp, head: string, headers: string[] = [], body: string | Buffer = ''): Promise<RawAnswer> {
  const lines = [`${head} HTTP/1.1`, 'Host: tillkeeper.test', 'Connection: close', ...headers, '', ''];
  return sendBytes(app, Buffer.concat([Buffer.from(lines.join('\r\n')), Buffer.from(body)]));
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
