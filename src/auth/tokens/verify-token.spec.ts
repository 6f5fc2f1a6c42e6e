import { accessToken } from '../../../test/harness/tokens.js';
import { callerFrom, readTokenHeader } from './verify-token.js';

describe('readTokenHeader', () => {
  it('reads algorithm, key id and type, and nothing that could name another key', () => {
    const hostile = {
      jwk: { kty: 'oct', k: 'AAAA' },
      jku: 'https://evil.test/',
      x5u: 'https://evil.test/',
      x5c: ['AAAA'],
    };
    expect(readTokenHeader(accessToken({}, { kid: 'k1', ...hostile }))).toEqual({
      alg: 'HS256',
      kid: 'k1',
      typ: 'jwt',
    });
  });

  it.each([
    ['at+jwt', 'at+jwt'],
    ['AT+JWT', 'at+jwt'],
    ['application/at+jwt', 'at+jwt'],
    ['Application/At+Jwt', 'at+jwt'],
    ['x/at+jwt', 'x/at+jwt'],
    ['x-application/at+jwt', 'x-application/at+jwt'],
  ])('reads the type %s as %s', (sent, typ) => {
    expect(readTokenHeader(accessToken({}, { typ: sent })).typ).toBe(typ);
  });

  it.each([[['exp']], [[]], [null], [false]])('refuses crit %j', (crit) => {
    expect(() => readTokenHeader(accessToken({}, { crit }))).toThrow(
      'The access token asks for an extension that is not supported here.',
    );
  });

  it.each([
    ['an algorithm that is not a string', accessToken({}, { alg: ['HS256'] })],
    ['no algorithm', accessToken({}, { alg: undefined })],
    ['a key id that is not a string', accessToken({}, { kid: 1 })],
    ['a type that is not a string', accessToken({}, { typ: null })],
    ['no signature', accessToken().replace(/[^.]*$/, '')],
    ['two parts', 'e30.e30'],
    ['four parts', `${accessToken()}.AAAA`],
    ['five parts, as encryption has', 'e30.e30.e30.e30.e30'],
    ['padding', `${accessToken()}=`],
    ['a second token behind a comma', `${accessToken()}, Bearer ${accessToken()}`],
    ['a header that is not JSON', accessToken().replace(/^[^.]*/, 'AAAA')],
    ['a header that is null', accessToken().replace(/^[^.]*/, 'bnVsbA')],
    ['a header that is a list', accessToken().replace(/^[^.]*/, 'W10')],
  ])('refuses a token with %s', (_, token) => {
    expect(() => readTokenHeader(token)).toThrow('The access token is malformed.');
  });

  it('refuses every other spelling of the same signature', () => {
    const token = accessToken();
    const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].map(
      (last) => token.slice(0, -1) + last,
    );
    const signature = (text: string) => Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64url');
    const equivalent = spellings.filter((text) => text !== token && signature(text).equals(signature(token)));
    expect(equivalent).toHaveLength(3);
    for (const spelling of equivalent)
      expect(() => readTokenHeader(spelling)).toThrow('The access token is malformed.');
  });

  it('limits the size', () => {
    const [header = '', , signature = ''] = accessToken().split('.');
    const sized = (length: number) =>
      `${header}.${'A'.repeat(length - header.length - signature.length - 2)}.${signature}`;
    expect(readTokenHeader(sized(8192)).alg).toBe('HS256');
    expect(() => readTokenHeader(sized(8193))).toThrow('The access token is longer than 8192 characters.');
  });
});

const PROJECT_ID = '7b0c2a52-6d0f-4f57-9f0e-1d3f2c5a9b11';
const claims = { sub: 'developer-1', exp: 4_102_444_800 };

describe('callerFrom', () => {
  it('treats a token without project_id as a developer’s', () => {
    expect(callerFrom(claims, {})).toEqual({ kind: 'developer', sub: 'developer-1' });
    expect(callerFrom({ ...claims, project_id: null }, {})).toEqual({
      kind: 'developer',
      sub: 'developer-1',
    });
  });

  it('treats a token with project_id as an end user’s', () => {
    const caller = callerFrom({ ...claims, project_id: PROJECT_ID.toUpperCase() }, {});
    expect(caller).toEqual({ kind: 'end_user', sub: 'developer-1', projectId: PROJECT_ID });
  });

  it.each([['not-a-uuid'], [''], [0], [false], [[PROJECT_ID]], [{}]])(
    'treats a token with project_id %j as an end user’s without a project',
    (projectId) => {
      expect(callerFrom({ ...claims, project_id: projectId }, {})).toEqual({
        kind: 'end_user',
        sub: 'developer-1',
        projectId: undefined,
      });
    },
  );

  it.each([
    ['one character', 'a'],
    ['255 letters', 'a'.repeat(255)],
    ['255 emoji', '😀'.repeat(255)],
    ['inner and outer spaces', ' a b '],
    ['any script', 'Ünïcode|用户'],
  ])('keeps a subject of %s unchanged', (_, sub) => {
    expect(callerFrom({ ...claims, sub }, {})).toEqual({ kind: 'developer', sub });
  });

  it.each([
    ['is missing', undefined],
    ['is null', null],
    ['is empty', ''],
    ['has 256 letters', 'a'.repeat(256)],
    ['has 256 emoji', '😀'.repeat(256)],
    ['is a number', 42],
    ['is an array', ['developer-1']],
    ['is an object', { toString: 'developer-1' }],
    ['holds NUL', 'developer\0'],
    ['holds a line break', 'developer\n1'],
    ['ends in a line break', 'developer-1\n'],
    ['holds DEL', 'developer\x7f'],
    ['holds a lone high surrogate', 'developer\ud800'],
    ['holds a lone low surrogate', '\udc00developer'],
    ['was not UTF-8', 'developer\ufffd'],
  ])('refuses a token whose subject %s', (_, sub) => {
    expect(() => callerFrom({ ...claims, sub } as object, {})).toThrow(
      'The subject of the access token is missing or not acceptable.',
    );
  });

  it.each([[undefined], [null], ['4102444800'], [[4_102_444_800]]])(
    'refuses a token whose expiry time is %j',
    (exp) => {
      expect(() => callerFrom({ ...claims, exp } as object, {})).toThrow(
        'The access token has no expiry time.',
      );
    },
  );

  it.each([[undefined], [null], ['refresh'], ['Access'], [['access']], [true]])(
    'refuses the type %j if access tokens have a type',
    (type) => {
      expect(() => callerFrom({ ...claims, type }, { type: 'access' })).toThrow(
        'The token is not an access token.',
      );
    },
  );

  it('accepts the type of access tokens, and any type if they have none', () => {
    expect(callerFrom({ ...claims, type: 'access' }, { type: 'access' }).kind).toBe('developer');
    expect(callerFrom({ ...claims, type: 'refresh' }, {}).kind).toBe('developer');
  });

  it('requires no scope without AUTH_DEVELOPER_SCOPE', () => {
    expect(callerFrom({ ...claims, scope: 'openid', scp: ['email'] }, {})).toEqual({
      kind: 'developer',
      sub: 'developer-1',
    });
  });

  describe('with the scope "projects" required', () => {
    const rules = { developerScope: 'projects' };

    it.each([
      ['scope as one word', { scope: 'projects' }],
      ['scope among others', { scope: 'openid projects email' }],
      ['scp as a list', { scp: ['openid', 'projects'] }],
      ['scp as one string', { scp: 'openid projects' }],
    ])('accepts %s', (_, scopes) => {
      expect(callerFrom({ ...claims, ...scopes }, rules)).toEqual({ kind: 'developer', sub: 'developer-1' });
    });

    it.each([
      [{}],
      [{ scope: '' }],
      [{ scope: 'projects:read' }],
      [{ scope: 'Projects' }],
      [{ scope: 'all,projects' }],
      [{ scope: null, scp: null }],
      [{ scope: 1, scp: { projects: true } }],
      [{ scp: [['projects']] }],
    ])('treats a token with %j as unscoped', (scopes) => {
      expect(callerFrom({ ...claims, ...scopes }, rules)).toEqual({
        kind: 'unscoped',
        sub: 'developer-1',
        missingScope: 'projects',
      });
    });

    it('requires no scope of end users', () => {
      expect(callerFrom({ ...claims, project_id: PROJECT_ID }, rules).kind).toBe('end_user');
    });
  });
});
