import { Transform } from 'class-transformer';
import { IsOptional } from 'class-validator';
import { TextField } from './fields.js';
import { ValidationFailed } from '../../common/errors.js';
import type { Settings } from '../../config/settings.js';
import { Checked, ForbidUnknownFields, RequestPipe } from './request.pipe.js';

const SETTINGS = { stripeAcceptRestrictedKeys: true } as Settings;

@ForbidUnknownFields({ description: 'A name.' })
class Strict {
  @TextField({ description: 'A name.', example: 'Corner shop', minLength: 1, maxLength: 5 })
  name: string;

  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsOptional()
  @Checked((value) => (value === 'wrong' ? { type: 'value_error', msg: 'is wrong' } : undefined))
  note?: unknown;
}

class Lenient {
  @TextField({ description: 'A name.', example: 'Corner shop', minLength: 1, maxLength: 5 })
  name: string;
}

const transform = (metatype: typeof Strict | typeof Lenient, value: unknown) =>
  new RequestPipe(SETTINGS).transform(value, { type: 'body', metatype });

function problemsOf(metatype: typeof Strict | typeof Lenient, value: unknown): unknown {
  try {
    return { accepted: transform(metatype, value) };
  } catch (error) {
    return error instanceof ValidationFailed ? error.problems : error;
  }
}

const NOT_REPEATED = {
  loc: ['body'],
  msg: 'has a field that this operation does not know; its name is not repeated here, in case it is a secret',
  type: 'extra_forbidden',
};

describe('RequestPipe', () => {
  it('returns the DTO with transformed fields', () => {
    const dto = transform(Strict, { name: 'a', note: '  b ' });
    expect(dto).toBeInstanceOf(Strict);
    expect(dto).toEqual({ name: 'a', note: 'b' });
  });

  it('passes the settings to the rules, and leaves none on the DTO', () => {
    const seen: unknown[] = [];
    class Watched {
      @Checked((value, settings) => void seen.push(value, settings))
      name: string;
    }
    const dto = new RequestPipe(SETTINGS).transform(
      { name: 'a' },
      { type: 'body', metatype: Watched },
    ) as object;
    expect(seen).toEqual(['a', SETTINGS]);
    expect(Reflect.ownKeys(dto)).toEqual(['name']);
  });

  it('returns a DTO unchanged, so that a body is validated once', () => {
    const dto = transform(Strict, { name: 'a' });
    expect(transform(Strict, dto)).toBe(dto);
  });

  it('returns values without rules unchanged', () => {
    const value = { constructor: 1 };
    expect(new RequestPipe(SETTINGS).transform(value, { type: 'custom', metatype: Object })).toBe(value);
    expect(new RequestPipe(SETTINGS).transform('text', { type: 'param', metatype: String })).toBe('text');
    expect(new RequestPipe(SETTINGS).transform(value, { type: 'custom' })).toBe(value);
  });

  it.each([
    [undefined, 'missing'],
    [null, 'model_type'],
    [[], 'model_type'],
    [[{ name: 'a' }], 'model_type'],
    ['{}', 'model_type'],
    [1, 'model_type'],
    [true, 'model_type'],
  ])('refuses %j as a whole', (value, type) => {
    expect(problemsOf(Strict, value)).toEqual([{ loc: ['body'], msg: 'must be a JSON object', type }]);
  });

  it('reports all problems at once, declared fields first', () => {
    expect(problemsOf(Strict, { colour: 1, note: ' wrong ', name: '' })).toEqual([
      { loc: ['body', 'name'], msg: 'must have at least 1 character', type: 'string_too_short' },
      { loc: ['body', 'note'], msg: 'is wrong', type: 'value_error' },
      {
        loc: ['body', 'colour'],
        msg: 'is not a field of this operation; look for a typing error',
        type: 'extra_forbidden',
      },
    ]);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype', 'then', 'isPrototypeOf'])(
    'treats the inherited member %s as unknown',
    (name) => {
      expect(problemsOf(Strict, JSON.parse(`{"name":"a","${name}":1}`))).toEqual([
        expect.objectContaining({ loc: ['body', name] }),
      ]);
      expect(problemsOf(Lenient, JSON.parse(`{"name":"a","${name}":1}`))).toEqual({
        accepted: { name: 'a' },
      });
    },
  );

  it.each([
    '{"constructor":1}',
    '{"constructor":{"name":"x"}}',
    '[{"constructor":"x"}]',
    '{"then":1}',
    '{"toString":1}',
    '[null]',
  ])('refuses %s as the value of any field', (json) => {
    const value: unknown = JSON.parse(json);
    expect(problemsOf(Strict, { name: value })).toEqual([
      { loc: ['body', 'name'], msg: 'must be a string', type: 'string_type' },
    ]);
    expect(problemsOf(Lenient, { name: 'a', other: value })).toEqual({ accepted: { name: 'a' } });
  });

  it('drops unknown fields unless they are forbidden', () => {
    expect(problemsOf(Lenient, { name: 'a', colour: 'red' })).toEqual({ accepted: { name: 'a' } });
  });

  it.each([
    'colour',
    'test_secret_keyy',
    'testSecretKey',
    'test-secret-key',
    'webhook_secret',
    'is_active',
    'weight',
    'a',
  ])('names the unknown field %s', (name) => {
    expect(problemsOf(Strict, { name: 'a', [name]: 1 })).toEqual([
      expect.objectContaining({ loc: ['body', name] }),
    ]);
  });

  it.each([
    'sk_test_aaaaaaaa',
    'sk_live_QwErTyUi',
    'mysk_live_abcdefgh',
    'rk_live_abcdefgh',
    'pk_test_abcdefgh',
    'whsec_abcdefgh',
    'we_abcdefgh',
    'acct_abcdefgh',
    'skLiveAbcdEfgh',
    'skTestabcdefgh',
    'sktestabcdefgh',
    'sk-live-abcdefgh',
    'sk_org_abcdefgh',
    'abcdefgh1234',
    'aB3dE5fG7hJ9kL',
    'abcdefghijklmnopqrstuvwxyz',
    'a'.repeat(41),
    'abcdefghij_abcdefghij_abcdefghij_abcdefghij',
    'ABCDEFGH',
    'a b',
    'a\nb',
    'a\u200bb',
    '',
    'пароль',
    '"><script>',
  ])('does not repeat the unknown name %j, which may be a secret', (name) => {
    expect(problemsOf(Strict, { name: 'a', [name]: 1 })).toEqual([NOT_REPEATED]);
  });

  it('names ten unknown fields and counts the rest', () => {
    const fields = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`field${index}`, 1]));
    const problems = problemsOf(Strict, { name: 'a', ...fields });
    expect(problems).toHaveLength(11);
    expect(problems).toContainEqual({
      loc: ['body'],
      msg: '890 more fields are unknown here',
      type: 'extra_forbidden',
    });
  });
});
