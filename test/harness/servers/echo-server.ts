import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived: raw headers keep their order and repetitions. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: string[];
  readonly body: Buffer;
  readonly isComplete: boolean;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** In place of Stripe where a test looks at the bytes: records each request, and answers as the test says. */
export class EchoServer {
  readonly requests: ReceivedRequest[] = [];
  /** Called once the headers have arrived. By default the body is read, and `{}` is the answer. */
  answer: Answer = (request, response) => {
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{}'));
  };
  readonly #server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('close', () => {
      const { method = '', url = '', headers, rawHeaders, complete } = request;
      this.requests.push({
        method,
        url,
        headers,
        rawHeaders,
        body: Buffer.concat(pieces),
        isComplete: complete,
      });
    });
    this.answer(request, response);
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
