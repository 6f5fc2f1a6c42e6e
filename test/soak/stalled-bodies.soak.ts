import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Installation } from '../harness/installation.js';
import type { ServerProcess } from '../harness/servers/server-process.js';
import { anEvent, deliverTo, receiverPath } from '../harness/ledger/signed-events.js';
import { configPath, OWNER, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase } from '../harness/database/test-database.js';

const SECRET = `whsec_${'a'.repeat(32)}`;
const ATTACKERS = 500;
const BODY = 1024 * 1024;
const LIMIT_MB = 512;

/** Resident memory of the process in MB, now and at its peak. */
function memoryOf(server: ServerProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  const read = (name: string) =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** Sends all bytes except the last. @param address of this machine, to send from */
function stall(url: URL, head: string[], address: string): Socket {
  const socket = connect({ port: Number(url.port), host: url.hostname, localAddress: address });
  socket.on('error', () => undefined).resume();
  socket.write([...head, 'Host: x', `Content-Length: ${BODY}`, '', ''].join('\r\n'));
  socket.write(Buffer.alloc(BODY - 1, ' '));
  return socket;
}

it(`stays far below ${LIMIT_MB} MB with ${ATTACKERS} stalled bodies of 1 MB, and serves others meanwhile`, async () => {
  const installation = new Installation();
  const database = await createTestDatabase();
  try {
    const environment = {
      ...testEnvironment(database),
      NODE_OPTIONS: '--max-old-space-size=384',
      MASTER_KEY: randomBytes(32).toString('base64'),
    };
    const server = installation.start(environment);
    const url = new URL(await server.listening());
    const projectId = await server.createProject();
    await server.send('PUT', configPath(projectId), { body: { test_webhook_secret: SECRET } });
    const targets = {
      'a webhook URL that receives': [
        `POST ${receiverPath(projectId, 'test')} HTTP/1.1`,
        'Stripe-Signature: t=1,v1=00',
      ],
      'a webhook URL that does not': [`POST ${receiverPath(projectId, 'live')} HTTP/1.1`],
      'the API without a token': [`PUT ${configPath(projectId)} HTTP/1.1`, 'Content-Type: application/json'],
      'the API with a token': [
        `PUT ${configPath(projectId)} HTTP/1.1`,
        'Content-Type: application/json',
        `Authorization: Bearer ${OWNER}`,
      ],
      'the login': ['POST /api/v1/auth/login HTTP/1.1', 'Content-Type: application/json'],
    };
    for (const [target, head] of Object.entries(targets)) {
      for (const addresses of [1, 50]) {
        const before = memoryOf(server).now;
        const sockets = Array.from({ length: ATTACKERS }, (_, index) =>
          stall(url, head, `127.0.1.${1 + (index % addresses)}`),
        );
        await wait(3_000);
        const answer = await deliverTo(server, projectId, SECRET, anEvent());
        const { now, peak } = memoryOf(server);
        process.stdout.write(
          `${target}, from ${addresses}: ${before} MB before, ${now} MB now, ${peak} MB at most; ${answer.status}\n`,
        );
        for (const socket of sockets) socket.destroy();
        expect(peak).toBeLessThan(LIMIT_MB * 0.6);
        if (addresses === 1) expect(answer.status).toBe(200);
      }
    }
  } finally {
    await installation.remove();
    await database.drop();
  }
});
