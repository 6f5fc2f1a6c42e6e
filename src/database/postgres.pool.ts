import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg, { type Connection, type PoolClient, type PoolConfig } from 'pg';

export const CONNECT_TIMEOUT_MS = 3_000;
export const STATEMENT_TIMEOUT_MS = 5_000;
/** How long a cancelled statement may take to end before its connection is cut. */
const CANCEL_MS = 1_000;
/** A pooler accepts more clients than it has server connections; the surplus ones get no answer. */
const FIRST_ANSWER_MS = 1_000;
const RETRY_MS = 100;
/** How long the pool makes do with the connections that it got, before it asks for more. */
const SMALLER_FOR_MS = 5_000;

/** SQLSTATE: the server has no connection left. */
const TOO_MANY_CONNECTIONS = '53300';

/**
 * SQLSTATE classes and codes after which other connections to that server are of no use either: connection exceptions (08), a server that
 * shuts down, crashed or starts (57P01 to 57P03), a former primary that only reads (25006).
 */
const SERVER_CHANGED = /^(?:08...|57P0[123]|25006)$/;

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void;

/** What pg's client and connection have and their types lack. */
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
 * The pool of connections to PostgreSQL or to a pooler before it. It sets nothing on a connection, since other clients of a pooler may get
 * that connection next. So the deadline of statements is kept here and not by `statement_timeout`.
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

  /** Waits for a connection of this pool while the server has no further one to give. */
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

  /** Later requests queue for the connections that there are, instead of asking the server in vain. */
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
    // Whoever waits for an answer of the connection gets its error. Without a listener the error would end the process too.
    client.on('error', () => undefined);
    client.connection.on('errorMessage', (error: unknown) => {
      if (SERVER_CHANGED.test(codeOf(error))) this.#serverChangedAt = performance.now();
    });
    endOverdueStatements(client);
  }
}

/** Cancels a statement that has no answer at the deadline, so that the server does not go on with it. Cuts the connection if that fails. */
function endOverdueStatements(client: Client): void {
  const { stream } = client.connection;
  stream.on('timeout', () => {
    if (stream.timeout === CANCEL_MS) return stream.destroy();
    stream.setTimeout(CANCEL_MS);
    sendCancelRequest(client);
  });
}

/** A cancel request is a connection of its own: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS */
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

/** Not in the types of pg, though its pool relies on it. */
function streamOf(client: PoolClient): Socket {
  return (client as Client).connection.stream;
}

function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
