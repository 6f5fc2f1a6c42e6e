import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg, { type Connection, type PoolClient, type PoolConfig } from 'pg';

export const CONNECT_TIMEOUT_MS = 3_000;
export const STATEMENT_TIMEOUT_MS = 5_000;
/** How long a cancelled statement may take to end before its connection is cut. */
const CANCEL_MS = 1_000;
/** Longer than a working connection needs. A pooler accepts more clients than it can serve, and never answers the surplus. */
const FIRST_ANSWER_MS = 1_000;
const RETRY_MS = 100;
/** How long the pool stays at its reduced size before it tries to grow. */
const SMALLER_FOR_MS = 5_000;

/** SQLSTATE: the server has no connection left. */
const TOO_MANY_CONNECTIONS = '53300';

/**
 * SQLSTATE classes and codes that make all connections to the server useless: connection exceptions (08), a server that shuts down, crashed
 * or starts (57P01 to 57P03), a former primary that is read-only now (25006).
 */
const SERVER_CHANGED = /^(?:08...|57P0[123]|25006)$/;

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void;

/** Members of pg's client and connection that its types lack. */
type Client = PoolClient & {
  readonly connection: Connection & {
    readonly stream: Socket;
    cancel(processId: number, secretKey: number): void;
  };
  readonly processID: number;
  readonly secretKey: number;
  readonly host: string;
  readonly port: number;
};

/**
 * Connections to PostgreSQL, or to a pooler. No connection has settings of its own, since a pooler may give it to another client. The
 * deadline of statements is therefore kept here instead of by `statement_timeout`.
 */
export class PostgresPool extends pg.Pool {
  readonly #size: number;
  readonly #openedAt = new WeakMap<PoolClient, number>();
  readonly #unproven = new WeakSet<PoolClient>();
  #serverChangedAt = -Infinity;
  #growing: NodeJS.Timeout | undefined;

  constructor(config: PoolConfig) {
    super(config);
    this.#size = this.options.max;
    this.on('connect', (client) => this.#watch(client as Client));
    this.on('acquire', (client) => streamOf(client).setTimeout(STATEMENT_TIMEOUT_MS));
    this.on('release', (_error, client) => streamOf(client).setTimeout(0));
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<PoolClient> | void {
    const connecting = this.#connect();
    if (!callback) return connecting;
    connecting.then(
      (client) => callback(undefined, client, (error) => client.release(error)),
      (error: Error) => callback(error, undefined, () => undefined),
    );
  }

  override end(): Promise<void>;
  override end(callback: () => void): void;
  override end(callback?: () => void): Promise<void> | void {
    clearTimeout(this.#growing);
    return callback ? super.end(callback) : super.end();
  }

  /** Waits for a connection of this pool while the server is out of connections. */
  async #connect(): Promise<PoolClient> {
    const startedAt = performance.now();
    for (;;) {
      try {
        const client = await super.connect();
        if (await this.#isFit(client)) return client;
        client.release(true);
      } catch (error) {
        if (codeOf(error) !== TOO_MANY_CONNECTIONS || performance.now() - startedAt > CONNECT_TIMEOUT_MS)
          throw error;
        this.#makeDo(this.totalCount);
        await sleep(RETRY_MS);
      }
    }
  }

  async #isFit(client: PoolClient): Promise<boolean> {
    if ((this.#openedAt.get(client) ?? 0) < this.#serverChangedAt) return false;
    if (!this.#unproven.delete(client) || this.totalCount === 1) return true;
    const answered = client.query('SELECT 1').then(
      () => true,
      () => false,
    );
    if (await Promise.race([answered, sleep(FIRST_ANSWER_MS, false)])) return true;
    this.#makeDo(this.totalCount - 1);
    return false;
  }

  /** Reduces the pool for a while, so that requests queue for existing connections. */
  #makeDo(connections: number): void {
    this.options.max = Math.max(1, Math.min(connections, this.options.max));
    this.#growing ??= setTimeout(() => {
      this.#growing = undefined;
      this.options.max = this.#size;
    }, SMALLER_FOR_MS).unref();
  }

  #watch(client: Client): void {
    this.#openedAt.set(client, performance.now());
    this.#unproven.add(client);
    // The pending query gets the error. Without a listener the error would also end the process.
    client.on('error', () => undefined);
    client.connection.on('errorMessage', (error: unknown) => {
      if (SERVER_CHANGED.test(codeOf(error))) this.#serverChangedAt = performance.now();
    });
    endOverdueStatements(client);
  }
}

/** Cancels a statement at the deadline, so that the server stops working on it. Closes the connection if that fails. */
function endOverdueStatements(client: Client): void {
  const { stream } = client.connection;
  stream.on('timeout', () => {
    if (stream.timeout === CANCEL_MS) return stream.destroy();
    stream.setTimeout(CANCEL_MS);
    sendCancelRequest(client);
  });
}

/** Sends a cancel request, which needs its own connection: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS */
function sendCancelRequest({ host, port, processID, secretKey, ...client }: Client): void {
  const { ssl } = client as unknown as { ssl: boolean | object };
  const connection = new pg.Connection({ ssl }) as Client['connection'] & {
    connect(port: number | string, host?: string): void;
    requestSsl(): void;
  };
  const cancel = () => connection.cancel(processID, secretKey);
  connection.on('connect', ssl ? () => connection.requestSsl() : cancel);
  connection.on('sslconnect', cancel);
  connection.on('error', () => undefined);
  connection.stream.setTimeout(CANCEL_MS, () => connection.stream.destroy());
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
}

/** The socket, which the types of pg lack. */
function streamOf(client: PoolClient): Socket {
  return (client as Client).connection.stream;
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
