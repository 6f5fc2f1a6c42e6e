import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { SigningKey } from '../tokens.js';

type Answer = (response: ServerResponse) => void;

/** An authorization server on the loopback interface that publishes keys and counts requests for them. */
export class AuthorizationServer {
  /** The number of requests for the keys. */
  fetches = 0;
  private answer: Answer = (response) => response.end();
  private readonly server: Server = createServer((_, response) => {
    this.fetches += 1;
    this.answer(response);
  });
  private port = 0;

  static async start(...keys: SigningKey[]): Promise<AuthorizationServer> {
    const server = new AuthorizationServer();
    server.publish(...keys);
    await server.comeBack();
    return server;
  }

  get jwksUri(): string {
    return `http://127.0.0.1:${this.port}/jwks.json`;
  }

  publish(...keys: SigningKey[]): void {
    this.publishJwks({ keys: keys.map((key) => key.jwk) });
  }

  publishJwks(jwks: unknown): void {
    this.answerWith((response) =>
      response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify(jwks)),
    );
  }

  /** Replaces the answer by any value, or by none. */
  answerWith(answer: Answer): void {
    this.answer = answer;
  }

  /** Stops listening; `comeBack` listens on that port again. */
  async goDown(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  async comeBack(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (typeof address === 'object' && address) this.port = address.port;
  }

  async stop(): Promise<void> {
    if (this.server.listening) await this.goDown();
  }
}
