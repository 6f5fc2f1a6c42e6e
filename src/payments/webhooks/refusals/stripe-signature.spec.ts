import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import Stripe from 'stripe';
import { Secret } from '../../../common/secret.js';
import { signatureProblem } from './stripe-signature.js';

const NOW = 1_800_000_000;
const KEY = `whsec_${'a'.repeat(32)}`;
const SECRETS = [new Secret(`whsec_${'b'.repeat(32)}`), new Secret(KEY)];

const problem = (header: string | undefined, body = '{}', now = NOW * 1000) =>
  signatureProblem(header, Buffer.from(body), SECRETS, now);
const v1 = (body = '{}', time: number | string = NOW, key = KEY) =>
  `v1=${createHmac('sha256', key).update(`${time}.${body}`).digest('hex')}`;

describe('signatureProblem', () => {
  it('accepts any bytes signed with any of the secrets', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...SECRETS), (payload, secret) => {
        fc.pre(payload.isWellFormed());
        const header = Stripe.webhooks.generateTestHeaderString({
          payload,
          secret: secret.reveal(),
          timestamp: NOW,
        });
        expect(problem(header, payload)).toBeUndefined();
      }),
    );
  });

  it('refuses every other header', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (header, payload) => {
        expect(problem(header, payload)).toBeDefined();
      }),
    );
  });

  it.each<[number, string | undefined]>([
    [0, undefined],
    [300, undefined],
    [-300, undefined],
    [301, 'too_old'],
    [-301, 'from_the_future'],
    [NOW, 'too_old'],
  ])('judges a time %d seconds ago: %s', (ago, expected) => {
    const time = NOW - ago;
    expect(problem(`t=${time},${v1('{}', time)}`)).toBe(expected);
    expect(problem(`t=${time},${v1('{}', time)}`, '{}', NOW * 1000 + 999)).toBe(expected);
  });

  it('checks every v1, in any order and any case', () => {
    const wrong = `v1=${'0'.repeat(64)}`;
    expect(
      problem([wrong, 'v1=', v1().toUpperCase().replace('V1', 'v1'), `t=${NOW}`, 'v0=x', ''].join(',')),
    ).toBeUndefined();
    expect(problem(`t=${NOW}${`,${wrong}`.repeat(31)},${v1()}`)).toBeUndefined();
    expect(problem(`t=${NOW}${`,${wrong}`.repeat(32)},${v1()}`)).toBe('malformed_signature');
    expect(problem(`t=${NOW},${v1()},${'x'.repeat(8_192)}`)).toBe('malformed_signature');
  });

  it.each([
    ['missing_signature', undefined],
    ['missing_signature', ''],
    ['malformed_signature', v1()],
    ['malformed_signature', `t=,${v1('{}', '')}`],
    ['malformed_signature', `t=${NOW}.5,${v1('{}', `${NOW}.5`)}`],
    ['malformed_signature', `t=-1,${v1('{}', -1)}`],
    ['malformed_signature', `t=1e9,${v1('{}', '1e9')}`],
    ['malformed_signature', `t=${NOW},t=${NOW},${v1()}`],
    ['malformed_signature', `t=${NOW}`],
    ['malformed_signature', `t=${NOW},${v1().replace('v1', 'v0')}`],
    ['wrong_signature', `t=${NOW},v1=`],
    ['wrong_signature', `t=${NOW},${v1().slice(0, -1)}`],
    ['wrong_signature', `t=${NOW},${v1()}0`],
    ['wrong_signature', `t=${NOW},${v1('{}', NOW - 1)}`],
    ['wrong_signature', `t=${NOW},${v1('{} ')}`],
    ['wrong_signature', `t=${NOW},${v1('{}', NOW, `whsec_${'c'.repeat(32)}`)}`],
    ['wrong_signature', `t=${NOW - 999},${v1()}`],
  ])('answers %s for %j', (expected, header) => {
    expect(problem(header)).toBe(expected);
  });

  it('refuses everything without a secret', () => {
    expect(signatureProblem(`t=${NOW},${v1('{}', NOW, '')}`, Buffer.from('{}'), [], NOW * 1000)).toBe(
      'wrong_signature',
    );
  });
});
