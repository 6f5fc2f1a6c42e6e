import { makeWellFormed } from './well-formed.js';

it('puts U+FFFD in place of lone surrogates, in texts and names at any depth, and leaves all else', () => {
  const value: unknown = JSON.parse(
    '{"a\\ud800":["\\udc00x",{"\\ud83d":{"b":"\\ud83d\\ude00"}}],"n":1,"t":true,"z":null,"\\ud83d\\ude00":"\\u0000","e":""}',
  );
  expect(makeWellFormed(value)).toEqual({
    'a\ufffd': ['\ufffdx', { '\ufffd': { b: '\u{1f600}' } }],
    n: 1,
    t: true,
    z: null,
    '\u{1f600}': '\0',
    e: '',
  });
  expect([makeWellFormed('\udbff'), makeWellFormed(null), makeWellFormed(0)]).toEqual(['\ufffd', null, 0]);
});
