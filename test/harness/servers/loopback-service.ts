import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

export interface ServiceRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

/** An answer of the service; `undefined` never answers. */
export type ServiceAnswer = { status: number; body?: unknown; headers?: Record<string, string> } | undefined;

/** A service that speaks JSON, on the loopback interface. */
export class LoopbackService {
  /** Every request, in order. */
  readonly requests: ServiceRequest[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #port = 0;

  constructor(private readonly answer: (request: ServiceRequest) => ServiceAnswer) {}

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens on a free port the first time, and on that port afterwards. */
  async start(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await json(request)) as Record<string, unknown>;
    const received = { path: request.url ?? '', headers: request.headers, body };
    this.requests.push(received);
    const answer = this.answer(received);
    if (answer)
      response
        .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
        .end(JSON.stringify(answer.body));
  }
}
