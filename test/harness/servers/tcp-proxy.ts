import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy between the service and a server on this machine, for network failures. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isFrozen = false;

  private constructor(private readonly target: URL) {
    this.#server = createServer((socket) => this.#forward(socket));
  }

  static async to(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(url));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The target's URL through the proxy. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || !address) throw new Error('The proxy is closed.');
    const url = new URL(this.target);
    url.port = String(address.port);
    return url.href;
  }

  /** Drops all data silently: connections stay open, and new ones are accepted. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** Lets new connections pass. Frozen connections stay silent, as after a fail-over. */
  thaw(): void {
    this.#isFrozen = false;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #forward(incoming: Socket): void {
    this.#keep(incoming);
    if (this.#isFrozen) return;
    const outgoing = connect(Number(this.target.port), this.target.hostname);
    this.#keep(outgoing);
    incoming.pipe(outgoing);
    outgoing.pipe(incoming);
    incoming.once('close', () => outgoing.destroy());
    outgoing.once('close', () => incoming.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
