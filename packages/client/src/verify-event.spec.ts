import { createHmac } from 'node:crypto';
import { type EventHeaders, verifyEvent } from './verify-event.js';

const KEY = Buffer.alloc(32, 'k');
const SECRET = `whsec_${KEY.toString('base64')}`;
const NOW = Date.parse('2026-11-21T09:30:00Z');
const BODY = JSON.stringify({ id: 'event-1', type: 'payment.succeeded', data: { name: 'Zoë' } });

beforeAll(() => jest.useFakeTimers({ now: NOW }));
afterAll(() => jest.useRealTimers());

const sign = (body = BODY, { id = 'event-1', seconds = NOW / 1_000, key = KEY } = {}) =>
  `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
const headers = (signature = sign(), seconds: number | string = NOW / 1_000) => ({
  'webhook-id': 'event-1',
  'webhook-timestamp': String(seconds),
  'webhook-signature': signature,
});

it.each<[string, string | Uint8Array, EventHeaders]>([
  ['a string', BODY, headers()],
  ['bytes', Buffer.from(BODY), headers()],
  ['Headers', BODY, new Headers(headers())],
  [
    'headers in capitals',
    BODY,
    { 'Webhook-Id': 'event-1', 'Webhook-Timestamp': String(NOW / 1_000), 'WEBHOOK-SIGNATURE': sign() },
  ],
  ['two signatures', BODY, headers(`${sign(BODY, { key: Buffer.alloc(32) })} ${sign()}`)],
  ['a signature of another version', BODY, headers(`v1a,AAAA ${sign()}`)],
  [
    'almost five minutes of age',
    BODY,
    headers(sign(BODY, { seconds: NOW / 1_000 - 299 }), NOW / 1_000 - 299),
  ],
  ['a clock that is ahead', BODY, headers(sign(BODY, { seconds: NOW / 1_000 + 299 }), NOW / 1_000 + 299)],
])('accepts %s', (_, body, given) => {
  expect(verifyEvent(body, given, SECRET)).toEqual(JSON.parse(BODY));
});

it.each<[string, string, EventHeaders]>([
  ['a changed body', BODY.replace('succeeded', 'failed'), headers()],
  ['another secret', BODY, headers(sign(BODY, { key: Buffer.alloc(32) }))],
  ['another id', BODY, { ...headers(), 'webhook-id': 'event-2' }],
  ['another time', BODY, headers(sign(), NOW / 1_000 + 1)],
  ['a missing signature', BODY, { ...headers(), 'webhook-signature': undefined }],
  ['a missing time', BODY, { ...headers(), 'webhook-timestamp': '' }],
  ['a missing id', BODY, { 'webhook-timestamp': '1', 'webhook-signature': sign() }],
  ['two headers', BODY, { ...headers(), 'webhook-signature': [sign(), sign()] }],
  ['an empty signature', BODY, headers('v1,')],
  ['half a signature', BODY, headers(sign().slice(0, 24))],
  ['junk after a signature', BODY, headers(`${sign()}!`)],
  ['another version', BODY, headers(sign().replace('v1', 'v2'))],
  ['an old delivery', BODY, headers(sign(BODY, { seconds: NOW / 1_000 - 301 }), NOW / 1_000 - 301)],
  [
    'a delivery from the future',
    BODY,
    headers(sign(BODY, { seconds: NOW / 1_000 + 301 }), NOW / 1_000 + 301),
  ],
  ['a time that is none', BODY, headers(sign(), 'NaN')],
  ['signed text', 'hello', headers(sign('hello'))],
  ['signed null', 'null', headers(sign('null'))],
])('refuses %s', (_, body, given) => {
  expect(() => verifyEvent(body, given, SECRET)).toThrow(
    expect.objectContaining({ name: 'EventVerificationError' }),
  );
});

it.each(['', 'whsec_', 'whsec_not base64', KEY.toString('base64')])('refuses the secret %j', (secret) => {
  expect(() => verifyEvent(BODY, headers(), secret)).toThrow('secret must be whsec_ followed by base64.');
});

it('refuses a parsed body', () => {
  const parsed: never = JSON.parse(BODY) as never;
  expect(() => verifyEvent(parsed, headers(), SECRET)).toThrow('body must be the raw body');
});
