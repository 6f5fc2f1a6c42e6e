import { permissionProblems } from './permission-problems.js';

const RESOURCE = 'is no resource of Stripe; ';
const ADVICE = 'write path resources such as customers or checkout/sessions, or *';

it.each([
  ['customer', 'did you mean customers?'],
  ['Customers', 'did you mean customers?'],
  ['v1/customers', 'did you mean customers?'],
  ['/v1/charges', 'did you mean charges?'],
  ['custmoers', 'did you mean customers?'],
  ['paymentIntents', 'did you mean payment_intents?'],
  ['payment intents', 'did you mean payment_intents?'],
  ['checkout.sessions', 'did you mean checkout/sessions?'],
  ['checkout', 'did you mean checkout/sessions?'],
  ['test_clocks', 'did you mean test_helpers/test_clocks?'],
  ['sessions', ADVICE],
  ['toString', ADVICE],
  ['something', ADVICE],
])('names the wrong resource %s', (name, advice) =>
  expect(permissionProblems({ customers: 'write', [name]: 'read' })).toEqual([
    { entry: name, type: 'value_error', msg: RESOURCE + advice },
  ]),
);

it.each(['READ', 'admin', '', null, true, ['read'], {}])('refuses the value %j', (value) =>
  expect(permissionProblems({ customers: value, charges: 'read' })).toEqual([
    { entry: 'customers', type: 'enum', msg: 'must be read or write' },
  ]),
);

it.each([
  `sk_test_${'a'.repeat(30)}`,
  `tkg_test_${'a'.repeat(49)}`,
  'whsec_aaaa',
  'a1b2c3d4',
  '',
  'a'.repeat(99),
  // Compared with every resource, it would block the process.
  'a/'.repeat(33),
])('does not repeat a name that may be a secret: %s', (name) => {
  const problems = permissionProblems({ [name]: 'read' });
  expect(problems).toEqual([
    { type: 'value_error', msg: expect.stringContaining('not repeated here') as string },
  ]);
});

it('lists ten', () => {
  const names = [...'abcdefghijklmnop'].map((letter) => `no_${letter}`);
  const problems = permissionProblems(Object.fromEntries(names.map((name) => [name, 'read'])));
  expect(problems).toHaveLength(11);
  expect(problems.at(-1)).toEqual({ type: 'value_error', msg: '6 more permissions are wrong' });
});

it.each([{}, { '*': 'write' }, { customers: 'read', 'checkout/sessions': 'write' }])('accepts %j', (value) =>
  expect(permissionProblems(value)).toEqual([]),
);
