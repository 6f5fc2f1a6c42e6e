import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from '../harness/eventually.js';
import { Installation } from '../harness/installation.js';
import { rowsOf } from '../harness/database/rows.js';
import { MigrationLock } from '../harness/database/migration-lock.js';
import { EventReceiver } from '../harness/servers/event-receiver.js';
import type { End, Environment, ServerProcess } from '../harness/servers/server-process.js';
import { TcpProxy } from '../harness/servers/tcp-proxy.js';
import { configPath, OWNER, testEnvironment } from '../harness/test-app.js';
import { createTestDatabase, engine, type TestDatabase } from '../harness/database/test-database.js';

/** The limit is ten seconds, and a hanging process would take longer than this. */
const LIMIT_MS = 14_000;
const CLEAN: End = { code: 0, signal: null };
const BODY = JSON.stringify({ test_secret_key: `sk_test_${'a'.repeat(24)}` });

jest.setTimeout(60_000);

let installation: Installation;
let database: TestDatabase;
let environment: Environment;
let endOfHanging: Promise<End>;

beforeAll(async () => {
  installation = new Installation();
  database = await createTestDatabase();
  environment = testEnvironment(database);
  endOfHanging = stopWhileAllHangs();
  endOfHanging.catch(() => undefined);
});
afterAll(async () => {
  await installation.remove();
  await database.drop();
});

async function endOf(server: ServerProcess): Promise<End> {
  const end = await Promise.race([server.ended, wait(LIMIT_MS, undefined, { ref: false })]);
  if (!end) throw new Error(`Still running after ${LIMIT_MS} ms:\n${server.output}${server.errors}`);
  return end;
}

async function openConnection(server: ServerProcess): Promise<Socket> {
  const { port, hostname } = new URL(await server.listening());
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

/** A PUT with an incomplete body. */
async function sendHalf(server: ServerProcess, projectId: string): Promise<{ socket: Socket; rest: string }> {
  const socket = await openConnection(server);
  const head = [
    `PUT ${configPath(projectId)} HTTP/1.1`,
    'Host: tillkeeper',
    `Authorization: Bearer ${OWNER}`,
    'Content-Type: application/json',
    `Content-Length: ${BODY.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${BODY.slice(0, 10)}`);
  // Requests that were sent before another connection's answer have arrived.
  await server.send('GET', '/health/live');
  return { socket, rest: BODY.slice(10) };
}

const STOPPING = /"msg":"SIG(?:TERM|INT): /;

it('finishes the requests in flight, is not ready, accepts no new connection and exits with 0', async () => {
  const server = installation.start(environment);
  const { socket, rest } = await sendHalf(server, await server.createProject());
  const agent = new Agent({ keepAlive: true });
  const [idle] = (await once(get(`${await server.listening()}/health/ready`, { agent }), 'response')) as [
    IncomingMessage,
  ];
  expect(idle).toMatchObject({ statusCode: 200 });
  idle.resume();
  const answers = text(socket);

  server.signal('SIGTERM');
  await server.until(STOPPING);
  await expect(openConnection(server)).rejects.toThrow('ECONNREFUSED');
  socket.write(`${rest}GET /health/ready HTTP/1.1\r\nHost: tillkeeper\r\n\r\n`);

  expect(await answers).toMatch(
    /^HTTP\/1\.1 200 OK\r\n[^]*"test_secret_key_masked":"sk_test_\.\.\.aaaa"[^]*HTTP\/1\.1 503 [^]*shutting down/,
  );
  expect(await endOf(server)).toEqual(CLEAN);
  expect(server.errors).toBe('');
  agent.destroy();
});

if (engine === 'postgres') {
  it('fails no request behind a load balancer that polls readiness and never retries', async () => {
    const settings = { ...environment, SHUTDOWN_DELAY: '2s' };
    const [leaving, staying] = [installation.start(settings), installation.start(settings)];
    const addresses = [await leaving.listening(), await staying.listening()];
    const agent = new Agent({ keepAlive: true });
    const statusOf = async (url: string): Promise<number | undefined> => {
      const [answer] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
      await text(answer);
      return answer.statusCode;
    };
    let ready = addresses;
    let isOver = false;
    const asksForReadiness = (async () => {
      while (!isOver) {
        const statuses = await Promise.all(
          addresses.map((address) => statusOf(`${address}/health/ready`).catch(() => undefined)),
        );
        ready = addresses.filter((_address, index) => statuses[index] === 200);
        await wait(700);
      }
    })();
    let served = 0;
    const sends = (async () => {
      while (!isOver) {
        for (const address of ready) {
          expect(await statusOf(`${address}/health/live`)).toBe(200);
          served++;
        }
        await wait(2);
      }
    })();

    leaving.signal('SIGTERM');
    await leaving.until(/still serving for 2 s/);
    const before = served;
    await Promise.race([endOf(leaving), sends]);
    isOver = true;
    await Promise.all([sends, asksForReadiness]);
    agent.destroy();
    expect(await endOf(leaving)).toEqual(CLEAN);
    expect(ready).toEqual([addresses[1]]);
    expect(served).toBeGreaterThan(before + 20);
    await staying.stop('SIGTERM');
  });
}

async function stopWhileAllHangs(): Promise<End> {
  const proxy = engine === 'postgres' ? await TcpProxy.to(database.url) : undefined;
  const server = installation.start({ ...environment, DATABASE_URL: proxy?.url ?? environment.DATABASE_URL });
  const projectId = await server.createProject();
  const half = await sendHalf(server, projectId);
  const silent = await openConnection(server);
  proxy?.freeze();
  // With a hanging database the request gets 503 or is cut off. Otherwise it is done.
  const stuck = server.send('GET', configPath(projectId)).catch(() => undefined);

  // Sends the signal twice, like a terminal and npm.
  server.signal('SIGINT');
  await server.until(STOPPING);
  server.signal('SIGINT');
  const end = await endOf(server);
  await stuck;
  for (const socket of [half.socket, silent]) socket.destroy();
  await proxy?.close();
  return end;
}

it('finishes an attempt to deliver an event, which is no failure', async () => {
  const held: ServerResponse[] = [];
  const receiver = await new EventReceiver().start();
  receiver.answer = (response) => held.push(response);
  const server = installation.start(environment);
  const path = configPath(await server.createProject());
  const body = { url: receiver.url, event_types: ['config.updated'] };
  await server.send('POST', path.replace(/config$/, 'event-destinations'), { body });
  await server.send('PUT', path, { body: JSON.parse(BODY) as object });
  await eventually(async () => expect(held.length).toBe(1));
  server.signal('SIGTERM');
  await server.until(STOPPING);
  await eventually(() => expect(openConnection(server)).rejects.toThrow('ECONNREFUSED'));
  // The shutdown goes on.
  await wait(200);
  held[0]?.writeHead(204).end();
  expect(await endOf(server)).toEqual(CLEAN);
  const deliveries = await rowsOf(database, 'event_deliveries');
  expect(deliveries).toMatchObject([{ state: 'delivered', attempts: 1 }]);
  await receiver.stop();
});

it('receives a signal through npm start, and leaves no process behind', async () => {
  const server = installation.startByNpm(environment);
  const address = await server.listening();
  server.signal('SIGTERM');
  // Waits for the end of the output too, which a leftover process would keep open.
  expect(await endOf(server)).toEqual(CLEAN);
  await expect(fetch(address)).rejects.toThrow('fetch failed');
});

it(`exits with 0 in time on SIGINT, though it comes twice, a request is half sent${engine === 'postgres' ? ', the database hangs' : ''} and a connection is silent`, async () => {
  // It began before the other tests, because it takes long.
  expect(await endOfHanging).toEqual(CLEAN);
});

if (engine === 'postgres') {
  it('exits with 0 while it waits for the migration of another process', async () => {
    const lock = await MigrationLock.take(database);
    const server = installation.start(environment);
    await lock.untilAwaitedBy(1);
    server.signal('SIGTERM');
    expect(await endOf(server)).toEqual(CLEAN);
    await lock.release();
  });
}

it('serves and stops when its log can not be written', async () => {
  const port = await freePort();
  const command = `exec "${process.execPath}" "${installation.folder}/dist/main.js" >/dev/full`;
  const server = installation.start({ ...environment, PORT: String(port) }, ['sh', '-c', command]);
  const isLive = () =>
    fetch(`http://127.0.0.1:${port}/health/live`).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually(async () => expect(await isLive()).toBe(true));
  for (let index = 0; index < 20; index++) expect(await isLive()).toBe(true);
  server.signal('SIGTERM');
  expect(await endOf(server)).toEqual(CLEAN);
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
