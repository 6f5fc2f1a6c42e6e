import { ValidationFailed } from '../../common/errors.js';
import type { Settings } from '../../config/settings.js';
import { nameCheck, TextField } from './fields.js';
import { readFlag, RequestPipe } from './request.pipe.js';

class Texts {
  @TextField({ description: 'Required.', example: 'a', minLength: 1, maxLength: 5 })
  name: unknown;

  @TextField({ description: 'Optional.', example: 'a', maxLength: 5, optional: true })
  note?: unknown;
}

function messages(fields: Partial<Texts>): string[] {
  try {
    new RequestPipe({} as Settings).transform(fields, { type: 'body', metatype: Texts });
    return [];
  } catch (error) {
    if (error instanceof ValidationFailed) return error.problems.map(({ msg }) => msg);
    throw error;
  }
}

describe('@TextField', () => {
  it.each([
    ['letters', 'abcde'],
    ['emoji outside of the first plane', '😀😀😀😀😀'],
    ['a variation selector, which counts', 'abc❤\ufe0f'],
    ['a joined family of five code points', '👨‍👩‍👧'],
    ['an accent of its own', 'e\u0301e\u0301e'],
    ['a space between', 'a b'],
  ])('counts code points: %s', (_, text) => {
    expect(messages({ name: text, note: text })).toEqual([]);
  });

  it.each(['   ', '\u00a0', '\u3000', '\u2800', '\u0301'])('refuses a name that consists of %j', (text) => {
    expect(messages({ name: text })).toEqual(['has nothing that can be seen']);
  });

  it.each(['abcdef', '😀😀😀😀😀😀', 'abcde\ufe0f'])('refuses %s, one code point too long', (text) => {
    expect(messages({ name: text })).toEqual(['must have at most 5 characters']);
    expect(messages({ name: 'a', note: text })).toEqual(['must have at most 5 characters']);
  });

  it.each(['a\0', '\0', '\ud800', 'a\udc00b', '\udc00\ud800'])(
    'refuses %j, which PostgreSQL can not store',
    (text) => {
      expect(messages({ name: text })).toEqual([
        'has a character that is not text (NUL, or half of a surrogate pair)',
      ]);
    },
  );

  it.each([
    ['a secret key', 'sk_live_aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['a secret key in a sentence', 'Bakery (sk_test_aaaaaaaaaaaa)'],
    ['a restricted key', 'rk_test_aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['a key of an organisation', 'sk_org_aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['a webhook secret', 'whsec_aaaaaaaaaaaaaaaaaaaaaaaa'],
  ])('refuses %s', (_, text) => {
    expect(messages({ name: text, note: text })).toEqual([
      expect.stringMatching(/Stripe secret key/),
      expect.stringMatching(/Stripe secret key/),
    ]);
  });

  it.each(['tks', 'tki', 'tkp', 'tkc', 'tkl', 'tkg_test', 'tkg_live'])('refuses our key %s_…', (prefix) => {
    const name = `Backend (${prefix}_${'a'.repeat(49)})`;
    expect(nameCheck(1, 255)(name)?.msg).toMatch(/key of this service/);
  });

  it.each(['sk_test_', 'pk_test_', 'whsec'])('accepts %s, which is not a secret', (text) => {
    expect(messages({ name: 'a', note: text })).not.toContainEqual(expect.stringMatching(/Stripe/));
  });

  it('requires a field, and refuses an empty one', () => {
    expect(messages({})).toEqual(['is required']);
    expect(messages({ name: '' })).toEqual(['must have at least 1 character']);
    expect(messages({ name: null })).toEqual(['must be a string']);
  });

  it('lets an optional field be absent, null or empty', () => {
    for (const note of [undefined, null, '']) expect(messages({ name: 'a', note })).toEqual([]);
  });

  it.each([[1], [true], [[]], [['a']], [{}], [{ length: 1 }]])(
    'refuses %j, which is not a string',
    (value) => {
      expect(messages({ name: value, note: value })).toEqual(['must be a string', 'must be a string']);
    },
  );
});

describe('readFlag', () => {
  it.each(['true', 'True', 'TRUE', '1', 't', 'y', 'Yes', 'on'])('reads %j as true', (text) => {
    expect(readFlag(text)).toBe(true);
  });

  it.each(['false', 'False', '0', 'f', 'n', 'no', 'OFF'])('reads %j as false', (text) => {
    expect(readFlag(text)).toBe(false);
  });

  it.each(['', ' true', 'maybe', '2', 'null', '01', 'ſ'])('refuses %j', (text) => {
    expect(readFlag(text)).toBeUndefined();
  });
});
