import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between the service and a server on this machine, to be the network that fails. */
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

  /** The target's URL, by way of the proxy. */
  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || !address) throw new Error('The proxy is closed.');
    const url = new URL(this.target);
    url.port = String(address.port);
    return url.href;
  }

  /** From now on nothing passes and nobody is told: connections stay open, new ones are taken, and all are silent. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** New connections pass again. Those that were frozen stay silent for good, as after a failover. */
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
