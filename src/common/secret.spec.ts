import { inspect } from 'node:util';
import { Secret } from './secret.js';

const TEXT = 'correct horse battery staple';
const secret = new Secret(TEXT);

it('reveals its text only when asked to', () => {
  expect(secret.reveal()).toBe(TEXT);
});

it.each<[string, unknown]>([
  ['a text', String(secret)],
  ['a joined list', ['key', secret].join(': ')],
  ['JSON', JSON.stringify({ secret, list: [secret] })],
  ['util.inspect', inspect({ secret, deep: { secret } }, { depth: null, showHidden: true })],
  ['an error', inspect(new Error('No such key', { cause: secret }))],
  ['its members', Object.entries({ ...secret })],
  ['a structured clone', inspect(structuredClone(secret), { showHidden: true })],
])('does not show its text in %s', (_, shown) => {
  expect(String(shown)).not.toContain('horse');
});
