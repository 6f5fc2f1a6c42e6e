import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

interface Delivered {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly body: { id: string; type: string; project_id: string; mode: string | null; data: object };
}

/** A receiver of events on the loopback interface. */
export class EventReceiver {
  readonly received: Delivered[] = [];
  /** Replace it for another answer. */
  answer: (response: ServerResponse, path: string) => void = (response) => response.writeHead(204).end();
  readonly #server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      const { url: path = '', headers } = request;
      this.received.push({ path, headers, text: body, body: JSON.parse(body) as Delivered['body'] });
      this.answer(response, path);
    });
  });

  async start(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return this;
  }

  answerWith(status: number, body = ''): void {
    this.answer = (response) => response.writeHead(status).end(body);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/events`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
