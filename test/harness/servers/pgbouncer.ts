import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from '../eventually.js';

/** `nobody`, by number: PgBouncer refuses to run as root. */
const UNPRIVILEGED = 65534;
const PATH = `${process.env.PATH}:/usr/sbin`;

function findPgBouncer(): string | undefined {
  try {
    return /PgBouncer [\d.]+/.exec(
      execFileSync('pgbouncer', ['--version'], { env: { PATH }, encoding: 'utf8' }),
    )?.[0];
  } catch {
    return undefined;
  }
}

/** Name and version of the installed PgBouncer. */
const installed = findPgBouncer();

/** `describe` if PgBouncer is installed. `.ci/run` installs and requires it. */
export function describeWithPgBouncer(name: string, tests: () => void): void {
  if (installed) return describe(`${name} (${installed})`, tests);
  if (process.env.PGBOUNCER_REQUIRED)
    throw new Error('PgBouncer is not installed, and PGBOUNCER_REQUIRED asks for it.');
  console.warn(`Skipped, since no pgbouncer is in the PATH (Debian: apt-get install pgbouncer): ${name}`);
  describe.skip(name, tests);
}

export interface PgBouncerOptions {
  poolMode: 'session' | 'transaction';
  /** Server connections for each database. */
  poolSize?: number;
}

/** A PgBouncer before a server on this machine, on a free port of the loopback address. */
export class PgBouncer {
  private constructor(
    private readonly port: number,
    private readonly user: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async before(serverUrl: string, { poolMode, poolSize = 10 }: PgBouncerOptions): Promise<PgBouncer> {
    const { hostname, port: serverPort, username } = new URL(serverUrl);
    const home = mkdtempSync(join(tmpdir(), 'tillkeeper-pgbouncer-'));
    const port = await freePort();
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'any',
      admin_users: username,
      pool_mode: poolMode,
      default_pool_size: poolSize,
      max_client_conn: 500,
      server_login_retry: 1,
    };
    const file = join(home, 'pgbouncer.ini');
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    writeFileSync(
      file,
      `[databases]\n* = host=${hostname} port=${serverPort} user=${username}\n[pgbouncer]\n${lines.join('')}`,
    );
    const isRoot = process.getuid?.() === 0;
    if (isRoot) for (const path of [home, file]) chownSync(path, UNPRIVILEGED, UNPRIVILEGED);
    const as = isRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
    const child = spawn('pgbouncer', [file], { ...as, cwd: '/', env: { PATH }, stdio: 'ignore' });
    const gone = once(child, 'exit');
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    const bouncer = new PgBouncer(port, username, async () => {
      end();
      await gone;
      process.off('exit', end);
      rmSync(home, { recursive: true, force: true });
    });
    await eventually(() => bouncer.ask('SHOW VERSION'));
    return bouncer;
  }

  /** The URL of a database of the server through PgBouncer. */
  urlOf(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.port = String(this.port);
    return url.href;
  }

  /** Runs a command in PgBouncer's console. */
  async ask(command: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ host: '127.0.0.1', port: this.port, user: this.user, database: 'pgbouncer' });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(command)).rows;
    } finally {
      await client.end();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port to be had.');
  return address.port;
}
