import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Settings } from '../../src/config/settings.js';
import { EventSender } from '../../src/payments/events/delivery/event-sender.js';
import { NameServers, ReceiverAddresses } from '../../src/payments/events/delivery/receiver-addresses.js';
import { DestinationSecrets } from '../../src/payments/events/destinations/destination-secrets.js';

const ODD = 'topsecretheader"value\\ (for/tests)';
const HEADERS = { Authorization: 'Bearer example-key-1/of+a="gateway"', 'X-Odd': ODD, 'X-Short': 'abc' };

let server: Server;
let sender: EventSender;
/** Answers a request; `count` is its number on the connection. */
let answer: (socket: Socket, count: number) => void;
let requests: number;

beforeEach(async () => {
  requests = 0;
  server = createServer((socket) => {
    let count = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      requests += 1;
      answer(socket, (count += 1));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const settings = { nodeEnv: 'test', destinationAllowNetworks: [] } as unknown as Settings;
  sender = new EventSender(new ReceiverAddresses(settings, new NameServers()));
});
afterEach(() => {
  sender.close();
  server.close();
});

const secrets = DestinationSecrets.make(HEADERS);
const send = (stopping = new AbortController().signal) =>
  sender.send(
    { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, secrets, id: 'event', body: '{}' },
    stopping,
  );
const http = (status: string, body = '') =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

it('ends an attempt that is answered with 101', async () => {
  answer = (socket) => socket.write('HTTP/1.1 101 Upgrade\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
  expect(await send()).toMatchObject({ status: 101, error: 'The receiver answered 101.', response: '' });
});

it('has no outcome when it is stopped', async () => {
  const stopping = new AbortController();
  answer = () => stopping.abort();
  expect(await send(stopping.signal)).toBeUndefined();
});

describe('a connection that the receiver resets', () => {
  it('is replaced once if it was kept from an attempt before', async () => {
    answer = (socket, count) => (count === 1 ? socket.write(http('204 No Content')) : socket.destroy());
    expect(await send()).toMatchObject({ status: 204 });
    expect(await send()).toMatchObject({ status: 204, error: null });
    expect(requests).toBe(3);
  });

  it.each([
    ['is new', (socket: Socket) => socket.destroy(), 1],
    [
      'has the beginning of an answer',
      (socket: Socket, count: number) =>
        count === 1 && requests === 1 ? socket.write(http('204 No Content')) : socket.end('HTTP/1.1 2'),
      2,
    ],
  ])('is a failure if it %s', async (_, answers, expected) => {
    answer = answers;
    if (expected === 2) expect(await send()).toMatchObject({ status: 204 });
    expect(await send()).toMatchObject({
      status: null,
      error: expect.stringMatching(/closed the connection/),
    });
    expect(requests).toBe(expected);
  });
});

describe('the kept answer', () => {
  const key = secrets.shown.slice('whsec_'.length);
  const header = HEADERS.Authorization;

  it.each([
    ['the signing secret', secrets.shown],
    ['its part after the prefix', key],
    ['a header', header],
    ['a part of a header', 'example-key-1'],
    ['JSON', JSON.stringify(header).slice(1, -1)],
    ['JSON with escaped slashes', JSON.stringify(header).slice(1, -1).replaceAll('/', '\\/')],
    ['the secret in JSON', secrets.shown.replaceAll('/', '\\/')],
    ['a URL', encodeURIComponent(header)],
    ['a URL in lower case', encodeURIComponent(secrets.shown).replace(/%../g, (code) => code.toLowerCase())],
    ['a form', encodeURIComponent(header).replaceAll('%20', '+')],
    ['JSON in a URL', encodeURIComponent(JSON.stringify(ODD).slice(1, -1))],
    ['JSON in JSON', JSON.stringify(JSON.stringify(ODD).slice(1, -1)).slice(1, -1)],
    ['a form that a browser sends', new URLSearchParams({ '': ODD }).toString().slice(1)],
    ['NULs between', [...secrets.shown].join('\0')],
  ])('hides a secret: %s', async (_, text) => {
    answer = (socket) => socket.write(http('400 Bad Request', `You sent ${text}, abc`));
    expect(await send()).toMatchObject({ response: 'You sent [hidden], abc' });
  });

  it.each([64 * 1024 - 10, 64 * 1024 - 60, 72 * 1024 - 20])('hides a secret at byte %d', async (start) => {
    const text = `${'.'.repeat(start)}${secrets.shown}${'.'.repeat(8_000)}`;
    answer = (socket) => socket.write(http('200 OK', text));
    const { response } = (await send()) ?? {};
    expect(response).toMatch(/^\.{60000}/);
    expect(response).not.toContain(key.slice(0, 4));
  });

  it.each([
    ['the beginning of the secret', secrets.shown.slice(0, 20)],
    ['the secret but one character', secrets.shown.slice(0, -1)],
    ['the secret', secrets.shown],
    ['the beginning of a header', header.slice(0, 24)],
  ])('keeps status and beginning of an answer that breaks off, without %s', async (_, text) => {
    answer = (socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nYou sent ${text}`);
    expect(await send()).toMatchObject({
      status: 200,
      error: 'The receiver closed the connection before the end of its answer.',
      response: 'You sent [hidden]',
    });
  });

  it('has 64 KB, and no divided character', async () => {
    answer = (socket) => socket.write(http('200 OK', `x${'é'.repeat(50_000)}`));
    const { response } = (await send()) ?? {};
    expect(response).toBe(`x${'é'.repeat(32_767)}`);
  });
});
