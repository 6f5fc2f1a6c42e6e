import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parseProjectId, type ProjectId } from '../../../common/ids.js';
import { assertReadable } from './foreign-object.js';
import { type Reading, readObject } from './read-object.js';
import { StripeObject, Unreadable } from './stripe-object.js';

const FIXTURES = new URL('../../../../test/fixtures/stripe/webhook-events/', import.meta.url);
const PROJECT_ID = parseProjectId('7b0c2a52-6d0f-4f57-9f0e-1d3f2c5a9b11');

function object(fields: object): StripeObject {
  const made = StripeObject.from(fields);
  if (!made) throw new Error('It is no object.');
  return made;
}

describe('an object of Stripe', () => {
  it.each([[null], [undefined], ['text'], [1], [[]]])('is not %p', (value) => {
    expect(StripeObject.from(value)).toBeUndefined();
  });

  it('reads texts that can be stored', () => {
    const { text } = { text: (value: unknown, max = 5) => object({ value }).text('value', max) };
    expect(text('abc')).toBe('abc');
    expect(text('a\0b')).toBe('a\ufffdb');
    expect(text('abcdefgh')).toBe('abcde');
    expect(text('😀😀😀', 2)).toBe('😀😀');
    for (const none of ['', null, undefined]) expect(text(none)).toBeUndefined();
  });

  it('reads the id of a reference, expanded or not', () => {
    expect(object({ customer: 'cus_a' }).id('customer')).toBe('cus_a');
    expect(object({ customer: { id: 'cus_a', object: 'customer' } }).id('customer')).toBe('cus_a');
    expect(object({ customer: 'a\0' }).id('customer')).toBe('a\ufffd');
    expect(
      object({ customer: { id: 'cus_a', deleted: true } })
        .expanded('customer')
        ?.flag('deleted'),
    ).toBe(true);
    for (const none of [null, undefined]) expect(object({ customer: none }).id('customer')).toBeUndefined();
  });

  it('reads whole amounts and valid times', () => {
    expect(object({ amount: 12 }).integer('amount')).toBe(12);
    for (const none of [null, undefined]) expect(object({ amount: none }).integer('amount')).toBeUndefined();
    for (const odd of [1.5, '12', 2 ** 53, {}, true])
      expect(() => object({ amount: odd }).integer('amount')).toThrow(Unreadable);
    expect(object({ created: 1_700_000_000 }).time('created')).toEqual(new Date('2023-11-14T22:13:20Z'));
    for (const odd of [-1, 1e12, 2 ** 52])
      expect(() => object({ created: odd }).time('created')).toThrow(Unreadable);
  });

  it('reads the items of a list', () => {
    expect(
      object({ lines: { object: 'list', data: [{ id: 'a' }, { id: 'b' }] } }).items('lines'),
    ).toHaveLength(2);
    for (const none of [undefined, null, { data: [] }])
      expect(object({ lines: none }).items('lines')).toEqual([]);
  });

  type Form = [isKnown: (value: unknown) => boolean, read: (from: StripeObject) => unknown];
  const isText = (value: unknown) => typeof value === 'string';
  const isObject = (value: unknown) => StripeObject.from(value) !== undefined;
  const isId = (value: unknown) => isText(value) && value !== '';

  it.each<[what: string, ...Form]>([
    ['text', isText, (from) => from.text('field', 10)],
    [
      'reference',
      (value) => isId(value) || (isObject(value) && isId((value as { id?: unknown }).id)),
      (from) => from.id('field'),
    ],
    ['integer', Number.isSafeInteger, (from) => from.integer('field')],
    ['amount', (value) => Number.isSafeInteger(value) && Number(value) >= 0, (from) => from.amount('field')],
    ['flag', (value) => typeof value === 'boolean', (from) => from.flag('field')],
    ['object', isObject, (from) => from.object('field')],
    [
      'list',
      (value) =>
        isObject(value) &&
        Array.isArray((value as { data?: unknown }).data) &&
        (value as { data: unknown[] }).data.every(isObject),
      (from) => from.items('field'),
    ],
  ])('refuses every other form of %s', (_what, isKnown, read) => {
    const list = fc.record({ data: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())) });
    const value = fc.oneof(
      fc.jsonValue(),
      list,
      fc.record({ id: fc.jsonValue() }),
      fc.boolean(),
      fc.integer(),
      fc.double(),
    );
    fc.assert(
      fc.property(value, (field) => {
        if (field === null || isKnown(field)) read(object({ field }));
        else expect(() => read(object({ field }))).toThrow(Unreadable);
      }),
    );
  });
});

function readOrRefuse(projectId: ProjectId, source: StripeObject, asOf: Date): Reading | undefined {
  try {
    return readObject(projectId, source, { asOf });
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

it.each([
  ['customer.subscription.updated', { object: 'subscription', id: 'sub_a' }, 'status'],
  [
    'customer.subscription.updated',
    {
      object: 'subscription',
      id: 'sub_a',
      status: 'active',
      items: { data: [{ plan: { id: 'a' } }] },
      created: '1',
    },
    'created',
  ],
  ['invoice.paid', { object: 'invoice', id: 'in_a', total: 1, currency: 'usd' }, 'status'],
  ['invoice.paid', { object: 'invoice', id: 'in_a', total: '1', currency: 'usd', status: 'paid' }, 'total'],
  ['invoice.paid', { object: 'invoice', id: 'in_a', total: 1, status: 'paid' }, 'currency'],
  ['charge.refunded', { object: 'charge', id: 'ch_a', amount: 1, currency: 'usd' }, 'amount_refunded'],
  ['charge.refunded', { object: 'charge', id: 'ch_a', currency: 'usd', amount_refunded: 1 }, 'amount'],
  ['refund.failed', { object: 'refund', id: 're_a', charge: 'ch_a' }, 'status'],
  [
    'charge.dispute.created',
    { object: 'dispute', id: 'dp_a', charge: 'ch_a', status: 'lost', currency: 'usd' },
    'amount',
  ],
  [
    'payment_intent.succeeded',
    { object: 'payment_intent', id: 'pi_a', status: 'succeeded', amount: 1 },
    'currency',
  ],
  [
    'payment_intent.succeeded',
    { object: 'payment_intent', id: 'pi_a', status: 'succeeded', currency: 'usd', amount: '1' },
    'amount',
  ],
  [
    'charge.refunded',
    { object: 'charge', id: 'ch_a', amount: 1, amount_refunded: 2, currency: 'usd' },
    'amount_refunded',
  ],
  ['payment_intent.succeeded', { object: 'subscription', id: 'sub_a', status: 'active' }, 'object'],
])('refuses %s with %j', (type, fields, field) => {
  if (!PROJECT_ID) throw new Error('It is no id.');
  expect(() => readObject(PROJECT_ID, object(fields), { asOf: new Date(0) }, type)).toThrow(
    new Unreadable(field),
  );
});

it.each(readdirSync(FIXTURES))('reads the recorded event %s', (file) => {
  const { type, data } = JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as {
    type: string;
    data: { object: object };
  };
  if (!PROJECT_ID) throw new Error('It is no id.');
  const observed = object(data.object);
  expect(readObject(PROJECT_ID, observed, { asOf: new Date(0) }, type).party).toMatchObject({
    asOf: new Date(0),
  });
  expect(() => {
    assertReadable(observed);
  }).not.toThrow();
});

it('reads or refuses an object with arbitrary fields', () => {
  const kinds = [
    'subscription',
    'checkout.session',
    'invoice',
    'payment_intent',
    'charge',
    'dispute',
    'refund',
  ];
  const names = [
    'currency',
    'amount_refunded',
    'id',
    'status',
    'customer',
    'items',
    'amount',
    'total',
    'payments',
    'parent',
    'metadata',
    'created',
    'payment_intent',
    'paid',
    'lines',
    'mode',
  ];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.integer(),
    fc.constantFrom('paid', 'succeeded', 'payment', 'sub_a', 'pi_a'),
  );
  const asOf = new Date(0);
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.dictionary(fc.constantFrom(...names), value),
      (kind, fields) => {
        if (!PROJECT_ID) throw new Error('It is no id.');
        const reading = readOrRefuse(PROJECT_ID, object({ ...fields, object: kind }), asOf);
        if (!reading) return;
        const { payments, party } = reading;
        expect(party.asOf).toBe(asOf);
        for (const { amountCents, currency, paymentIntentId, createdAt } of payments) {
          expect(Number.isSafeInteger(amountCents)).toBe(true);
          expect(currency.length).toBeLessThanOrEqual(8);
          expect(paymentIntentId).toEqual(expect.any(String));
          expect(createdAt).toEqual(expect.any(Date));
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
