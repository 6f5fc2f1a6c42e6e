import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SERVER } from './product.mjs';

const SCRIPTS = {
  ours: SERVER,
  bare: new URL('./bare.mjs', import.meta.url),
  usual: new URL('./usual/dist/main.js', import.meta.url),
  'bare webhooks': new URL('./webhook-bare.mjs', import.meta.url),
  'gateway peer': new URL('./gateway-peers.mjs', import.meta.url),
  'sync engine': new URL('./webhook-peer.mjs', import.meta.url),
};

/** The bare proxy has the memory of the gateway, so that both collect garbage as often. */
const WITH_OUR_FLAGS = new Set(['ours', 'gateway peer']);

export const OPERATOR_SCOPE = 'bench:operate';
export const TOKEN_SECRET = randomBytes(32).toString('hex');
const MASTER_KEY = randomBytes(32).toString('base64');

const START_TIMEOUT_MS = 20_000;

/** Starts a server in its own process. @param {keyof typeof SCRIPTS} name */
export async function startServer(name, databaseUrl, { nodeArguments = [], environment = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tillkeeper-bench-'));
  const port = await freePort();
  const startedAt = performance.now();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    process.execPath,
    [...nodeArguments, ...(WITH_OUR_FLAGS.has(name) ? flagsOfOurs() : []), fileURLToPath(SCRIPTS[name])],
    {
      // Outside of the project's folder, which may have a .env.
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: String(port),
        PUBLIC_BASE_URL: url,
        DATA_DIR: folder,
        DATABASE_URL: databaseUrl,
        DATABASE_POOL_SIZE: '10',
        MASTER_KEY,
        AUTH_JWT_SECRET: TOKEN_SECRET,
        AUTH_OPERATOR_SCOPE: OPERATOR_SCOPE,
        LOG_LEVEL: 'warn',
        RATE_LIMIT_PER_MINUTE: '0',
        SAMPLE_DATA: 'false',
        ...environment,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  return {
    name,
    url,
    pid: child.pid,
    /**
     * Resolves at the first answer of any status. `firstAnswerMs` is the time since the start of the process.
     */
    async answers() {
      for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(20)) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`The server "${name}" did not start.`);
        if (await fetch(url).catch(() => undefined)) break;
      }
      this.firstAnswerMs ??= performance.now() - startedAt;
      return this;
    },
    /** Resident memory in MB, or `undefined` where there is no /proc. */
    residentMegabytes() {
      if (process.platform !== 'linux') return undefined;
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Node's flags of `npm start`. */
function flagsOfOurs() {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const options = { cwd: folder, encoding: 'utf8' };
  return execFileSync(process.execPath, ['scripts/build-if-needed.mjs', '--print-flags'], options)
    .split(/\s+/)
    .filter(Boolean);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
