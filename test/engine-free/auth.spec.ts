import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Global,
  Logger,
  Module,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyReply } from 'fastify';
import { randomBytes } from 'node:crypto';
import { get, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { json } from 'node:stream/consumers';
import { AuthModule } from '../../src/auth/auth.module.js';
import { DeveloperTokens } from '../../src/auth/tokens/developer-tokens.js';
import { AccountStandings } from '../../src/auth/tokens/ended-sessions.js';
import { EndUserTokens } from '../../src/auth/tokens/end-user-tokens.js';
import { CurrentDeveloper } from '../../src/auth/caller.js';
import { CurrentEndUser } from '../../src/auth/caller.js';
import type { EndUser } from '../../src/auth/caller.js';
import { ForEndUsers, Public, Unlimited } from '../../src/auth/route-access.js';
import { DomainError } from '../../src/common/errors.js';
import { parseProjectId, type ProjectId } from '../../src/common/ids.js';
import { Secret } from '../../src/common/secret.js';
import { type AccessTokens, Settings } from '../../src/config/settings.js';
import { Database } from '../../src/database/database.js';
import { DatabaseNotifications } from '../../src/database/notifications.js';
import { Keyring } from '../../src/vault/keys/keyring.js';
import { LocalKeyWrapper } from '../../src/vault/wrappers/local-key-wrapper.js';
import { MasterKeys } from '../../src/vault/wrappers/master-keys.js';
import { AuthorizationServer } from '../harness/servers/authorization-server.js';
import { InMemoryDataKeyStore } from '../harness/vault/in-memory-data-key-store.js';
import {
  accessToken,
  AUDIENCE,
  type Claims,
  compactJws,
  endUserToken,
  hmacSha256,
  ISSUER,
  secondsFromNow,
  SigningKey,
  TOKEN_SECRET,
} from '../harness/tokens.js';

const PROJECT_ID = '7b0c2a52-6d0f-4f57-9f0e-1d3f2c5a9b11';

@Controller()
class ProbeController {
  @Get('developer')
  developer(@CurrentDeveloper() sub: string) {
    return { sub };
  }

  @ForEndUsers()
  @Get('end-user')
  endUser(@CurrentEndUser() endUser: EndUser) {
    return endUser;
  }

  @Public()
  @Get('public')
  everybody() {
    return {};
  }

  @Public()
  @Unlimited()
  @Get('unlimited')
  unlimited() {
    return {};
  }
}

/** A minimal filter for these tests: answers with the code instead of the status. */
@Catch()
class CodeFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost) {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (!(error instanceof DomainError))
      return reply.status(500).send({ code: 'unexpected', detail: String(error) });
    const { code, message, challenge, retryAfterSeconds } = error;
    return reply.status(400).send({ code, detail: message, challenge, retryAfterSeconds });
  }
}

interface Answer {
  code: string;
  detail: string;
  challenge?: string;
  retryAfterSeconds?: number;
}

let app: NestFastifyApplication | undefined;
const EMPTY: Pick<Database, 'query'> = { query: () => Promise.resolve([]) };
const NOBODY_HAS_AN_ACCOUNT: Pick<AccountStandings, 'find'> = { find: () => Promise.resolve(undefined) };
const NOTIFICATIONS: Pick<DatabaseNotifications, 'isCurrent' | 'subscribe' | 'onDisconnect'> = {
  isCurrent: () => true,
  subscribe: () => undefined,
  onDisconnect: () => undefined,
};
const newKeyring = () =>
  new Keyring(new InMemoryDataKeyStore(), new MasterKeys(new LocalKeyWrapper(randomBytes(32))));
const keyring = newKeyring();

beforeAll(() => keyring.load());

async function start(settings: Partial<Settings>, keys = keyring): Promise<void> {
  @Global()
  @Module({
    providers: [
      { provide: Settings, useValue: { rateLimitPerMinute: 0, ...settings } },
      { provide: Keyring, useValue: keys },
      { provide: Database, useValue: EMPTY },
      { provide: AccountStandings, useValue: NOBODY_HAS_AN_ACCOUNT },
      { provide: DatabaseNotifications, useValue: NOTIFICATIONS },
    ],
    exports: [Settings, Keyring, Database, AccountStandings, DatabaseNotifications],
  })
  class SettingsModule {}

  const module = await Test.createTestingModule({
    imports: [SettingsModule, AuthModule],
    controllers: [ProbeController],
    providers: [{ provide: APP_FILTER, useClass: CodeFilter }],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ trustProxy: true }));
  await app.listen(0, '127.0.0.1');
}

/** Sends each value as an Authorization header of its own. */
async function send(
  path: string,
  authorization: string[],
  headers: OutgoingHttpHeaders = {},
): Promise<unknown> {
  const url = `${await app?.getUrl()}/${path}`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers: { ...headers, Authorization: authorization } }, resolve).on('error', reject);
  });
  return json(response);
}

const call = (token: string, path = 'developer') => send(path, [`Bearer ${token}`]);

const hs256 = (more: { issuer?: string; audience?: string } = {}): AccessTokens => ({
  kind: 'hs256',
  secrets: [new Secret(TOKEN_SECRET)],
  ...more,
});

const refused = (detail: string): Answer => ({
  code: 'unauthenticated',
  detail,
  challenge: `Bearer error="invalid_token", error_description="${detail}"`,
});

const missing: Answer = {
  code: 'unauthenticated',
  detail: 'Send an access token in the Authorization header: Bearer, a space, the token.',
  challenge: 'Bearer',
};

const SIGNATURE = 'The signature of the access token is wrong.';
const MALFORMED = 'The access token is malformed.';
const ALGORITHM = 'The access token is signed with an algorithm that is not accepted here.';
const EXTENSION = 'The access token asks for an extension that is not supported here.';
const INVALID = 'The access token is not valid.';
const EXPIRED = 'The access token has expired.';
const NOT_FINITE = 'A time in the access token is not a finite number.';
const NO_EXPIRY = 'The access token has no expiry time.';
const NOT_YET = 'The access token is not valid yet.';
const ISSUED_ELSEWHERE = 'The access token comes from another issuer.';
const MEANT_FOR_OTHERS = 'The access token is meant for another audience.';
const TYPE = 'The token is not an access token.';
const TYP = 'The access token has a typ that is not accepted here.';
const SUBJECT = 'The subject of the access token is missing or not acceptable.';
const UNKNOWN_KEY = 'The access token is signed with an unknown key.';

const hmac = hmacSha256(TOKEN_SECRET);
/** As JSON, whose numbers may be too large for JavaScript. */
const withClaim = (claim: string, time: string) =>
  JSON.stringify({
    sub: 'a',
    type: 'access',
    iss: ISSUER,
    aud: AUDIENCE,
    exp: secondsFromNow(7_200),
    [claim]: 0,
  }).replace(new RegExp(`"${claim}":\\d+`), `"${claim}":${time}`);
const nobody = () => Buffer.alloc(0);

afterEach(async () => {
  await app?.close();
  app = undefined;
});

describe('HS256 access tokens', () => {
  beforeEach(() => start({ accessTokens: hs256() }));

  it.each<[string, Claims, Claims?]>([
    ['the required claims', {}],
    ['an nbf in the past', { nbf: secondsFromNow(-1) }],
    ['any issuer and audience where none is configured', { iss: 'https://elsewhere.test', aud: ['a', 'b'] }],
    [
      'keys in its header that nobody follows',
      {},
      { jku: 'https://evil.test/jwks', x5u: 'https://evil.test/x5u' },
    ],
    ['no typ', {}, { typ: undefined }],
  ])('are accepted with %s', async (_, claims, header = {}) => {
    expect(await call(accessToken({ sub: 'developer|ü', ...claims }, header))).toEqual({
      sub: 'developer|ü',
    });
  });

  it.each<[string, string, string]>([
    ['unsigned', compactJws({ alg: 'none' }, { sub: 'a' }, nobody), MALFORMED],
    ['said to be unsigned', accessToken({}, { alg: 'none' }), ALGORITHM],
    ['signed with the empty secret', compactJws({ alg: 'HS256' }, { sub: 'a' }, hmacSha256('')), SIGNATURE],
    ['signed with a longer hash', accessToken({}, { alg: 'HS512' }), ALGORITHM],
    ['said to be RS256', accessToken({}, { alg: 'RS256' }), ALGORITHM],
    [
      'changed after it was signed',
      accessToken().replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"a"}').toString('base64url')}.`),
      SIGNATURE,
    ],
    ['extended by crit', accessToken({}, { crit: ['exp'] }), EXTENSION],
    ['expired', accessToken({ exp: secondsFromNow(-6) }), EXPIRED],
    ['with an infinite exp', compactJws({ alg: 'HS256' }, withClaim('exp', '1e999'), hmac), NOT_FINITE],
    [
      'with an nbf that is infinite',
      compactJws({ alg: 'HS256' }, withClaim('nbf', '-1e999'), hmac),
      NOT_FINITE,
    ],
    [
      'with an iat that is infinite',
      compactJws({ alg: 'HS256' }, withClaim('iat', '1e999'), hmac),
      NOT_FINITE,
    ],
    ['with iat as a string', accessToken({ iat: '0' }), NOT_FINITE],
    ['without exp', accessToken({ exp: undefined }), NO_EXPIRY],
    ['with exp as a string', accessToken({ exp: `${secondsFromNow(600)}` }), INVALID],
    ['with exp null', accessToken({ exp: null }), INVALID],
    ['not valid yet', accessToken({ nbf: secondsFromNow(3_600) }), NOT_YET],
    ['with nbf as a string', accessToken({ nbf: '0' }), INVALID],
    ['without type', accessToken({ type: undefined }), TYPE],
    ['of another type', accessToken({ type: 'refresh' }), TYPE],
    ['without sub', accessToken({ sub: undefined }), SUBJECT],
    ['with NUL in sub', accessToken({ sub: 'developer\0' }), SUBJECT],
    ['with a sub that is a part of a path', accessToken({ sub: '..' }), SUBJECT],
    ['a list', compactJws({ alg: 'HS256', typ: 'JWT' }, [], hmac), NO_EXPIRY],
    ['null', compactJws({ alg: 'HS256', typ: 'JWT' }, null, hmac), INVALID],
    ['null without typ', compactJws({ alg: 'HS256' }, null, hmac), INVALID],
    ['not JSON', compactJws({ alg: 'HS256', typ: 'JWT' }, '{', hmac), INVALID],
    ['not JSON without typ', compactJws({ alg: 'HS256' }, '{', hmac), INVALID],
    ['nested 2,000 deep', compactJws({ alg: 'HS256' }, '['.repeat(2000) + ']'.repeat(2000), hmac), NO_EXPIRY],
    [
      'too long',
      accessToken({ padding: 'x'.repeat(7000) }),
      'The access token is longer than 8192 characters.',
    ],
    ['one letter', 'x', MALFORMED],
  ])('are refused when they are %s', async (_, token, reason) => {
    expect(await call(token)).toEqual(refused(reason));
  });

  it('are accepted when clocks differ by less than 5 seconds, also from the cache, and no longer', async () => {
    const early = accessToken({ nbf: secondsFromNow(4), iat: secondsFromNow(4) });
    const late = accessToken({ exp: secondsFromNow(-3) });
    for (const token of [early, late, early, late]) expect(await call(token)).toEqual({ sub: 'developer-1' });
    jest.useFakeTimers({
      now: Date.now() + 3_000,
      doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'queueMicrotask', 'performance'],
    });
    try {
      expect(await call(late)).toEqual(refused(EXPIRED));
    } finally {
      jest.useRealTimers();
    }
  });

  it('are accepted under every listed secret, and signed with the first', async () => {
    await app?.close();
    const [newest, former] = ['n'.repeat(32), 'f'.repeat(32)];
    await start({
      accessTokens: {
        kind: 'hs256',
        secrets: [newest, former, TOKEN_SECRET].map((text) => new Secret(text)),
      },
    });
    const signedWith = (secret: string, claims: Claims = {}) =>
      compactJws(
        { alg: 'HS256', typ: 'JWT' },
        { sub: 'developer-1', type: 'access', exp: secondsFromNow(600), ...claims },
        hmacSha256(secret),
      );
    for (const secret of [newest, former, TOKEN_SECRET])
      expect(await call(signedWith(secret))).toEqual({ sub: 'developer-1' });
    expect(await call(signedWith('o'.repeat(32)))).toEqual(refused(SIGNATURE));
    for (const secret of [newest, former, TOKEN_SECRET])
      expect(await call(signedWith(secret, { exp: secondsFromNow(-60) }))).toEqual(refused(EXPIRED));
    const token = app?.get(DeveloperTokens).issue('developer-2', 60) ?? '';
    expect(await call(token)).toEqual({ sub: 'developer-2' });
    const [input = '', signature] = token.split(/\.(?=[^.]+$)/);
    expect(signature).toBe(hmacSha256(newest)(Buffer.from(input)).toString('base64url'));
  });

  it('have to come from the configured issuer for the configured audience', async () => {
    await app?.close();
    await start({ accessTokens: hs256({ issuer: ISSUER, audience: AUDIENCE }) });
    expect(await call(accessToken({ iss: ISSUER, aud: AUDIENCE }))).toEqual({ sub: 'developer-1' });
    expect(await call(accessToken({ iss: ISSUER, aud: ['x', AUDIENCE] }))).toEqual({ sub: 'developer-1' });
    expect(await call(accessToken({ iss: ISSUER }))).toEqual(refused(MEANT_FOR_OTHERS));
    expect(await call(accessToken({ iss: ISSUER, aud: 7 }))).toEqual(refused(MEANT_FOR_OTHERS));
    expect(await call(accessToken({ aud: AUDIENCE }))).toEqual(refused(ISSUED_ELSEWHERE));
    expect(await call(accessToken({ iss: [ISSUER], aud: AUDIENCE }))).toEqual(refused(ISSUED_ELSEWHERE));
  });
});

describe('the Authorization header', () => {
  beforeEach(() => start({ accessTokens: hs256() }));

  it.each([['Bearer'], ['bearer'], ['BEARER'], ['Bearer  ']])('may name its scheme %j', async (scheme) => {
    expect(await send('developer', [`${scheme} ${accessToken()}`])).toEqual({ sub: 'developer-1' });
  });

  it.each([
    [[]],
    [['Bearer']],
    [['Basic ZGV2OnB3']],
    [[accessToken()]],
    [[`Token ${accessToken()}`]],
    [[`Bearer${accessToken()}`]],
  ])('has no bearer token in %j', async (authorization) => {
    expect(await send('developer', authorization)).toEqual(missing);
  });

  it('is the only place for a token', async () => {
    expect(await send(`developer?access_token=${accessToken()}&token=${accessToken()}`, [])).toEqual(missing);
    expect(
      await send('developer', [], {
        cookie: `access_token=${accessToken()}`,
        'x-access-token': accessToken(),
      }),
    ).toEqual(missing);
  });

  it('may appear only once', async () => {
    const [one, other] = [`Bearer ${accessToken()}`, `Bearer ${accessToken({ sub: 'developer-2' })}`];
    expect(await send('developer', [one, other])).toEqual(refused(MALFORMED));
    expect(await send('developer', [one, one])).toEqual(refused(MALFORMED));
    expect(await send('developer', [one, 'Basic ZGV2OnB3'])).toEqual(refused(MALFORMED));
    expect(await send('developer', ['Basic ZGV2OnB3', one])).toEqual(missing);
    expect(await send('developer', [`${one}, ${other}`])).toEqual(refused(MALFORMED));
    expect(await send('developer', [`${one} ${other}`])).toEqual(refused(MALFORMED));
  });
});

describe.each(['RS256', 'ES256', 'EdDSA'] as const)('%s access tokens', (algorithm) => {
  const key = new SigningKey(algorithm, 'key-1');
  const stranger = new SigningKey(algorithm, 'key-1');
  const sibling = new SigningKey(algorithm === 'ES256' ? 'EdDSA' : 'ES256', 'key-2');
  let server: AuthorizationServer;

  beforeAll(async () => {
    server = await AuthorizationServer.start(key, sibling);
  });

  beforeEach(() =>
    start({
      accessTokens: {
        kind: 'jwks',
        uri: server.jwksUri,
        issuer: ISSUER,
        audience: AUDIENCE,
        acceptTyp: ['application/at+JWT', 'x-own'],
      },
    }),
  );

  afterAll(() => server.stop());

  it.each<[string, Claims, Claims?]>([
    ['the required claims', {}],
    ['one of several audiences', { aud: ['https://other.test', AUDIENCE] }],
    ['another accepted typ', {}, { typ: 'x-own' }],
    ['the long form of typ', {}, { typ: 'Application/AT+JWT' }],
    ['no key id', {}, { kid: undefined }],
    [
      'somebody else’s key in its header',
      {},
      { jwk: stranger.jwk, jku: 'https://evil.test/', x5u: 'https://evil.test/', x5c: ['AAAA'] },
    ],
  ])('are accepted with %s', async (_, claims, header = {}) => {
    expect(await call(key.token(claims, header))).toEqual({ sub: 'developer-1' });
  });

  it.each<[string, string, string]>([
    ['unsigned', compactJws({ alg: 'none', typ: 'at+jwt' }, { sub: 'a' }, nobody), MALFORMED],
    ['said to be unsigned', key.token({}, { alg: 'none' }), ALGORITHM],
    ['signed by a stranger who uses our key id', stranger.token(), SIGNATURE],
    ['signed by a stranger who brings the key along', stranger.token({}, { jwk: stranger.jwk }), SIGNATURE],
    ['signed with an unknown key', stranger.token({}, { kid: 'key-3' }), UNKNOWN_KEY],
    ['said to be signed with a key of another kind', key.token({}, { kid: 'key-2' }), UNKNOWN_KEY],
    ['signed with HMAC and the public key as PEM', hmacWithPublicKey(key, 'pem'), ALGORITHM],
    ['signed with HMAC and the public key as DER', hmacWithPublicKey(key, 'der'), ALGORITHM],
    ['extended by crit', key.token({}, { crit: ['b64'], b64: false }), EXTENSION],
    ['of no typ', key.token({}, { typ: undefined }), TYP],
    ['identity tokens', key.token({}, { typ: 'JWT' }), TYP],
    ['expired', key.token({ exp: secondsFromNow(-6) }), EXPIRED],
    ['without exp', key.token({ exp: undefined }), NO_EXPIRY],
    ['with exp as a string', key.token({ exp: `${secondsFromNow(600)}` }), INVALID],
    ['not valid yet', key.token({ nbf: secondsFromNow(3_600) }), NOT_YET],
    ['from another issuer', key.token({ iss: `${ISSUER}/` }), ISSUED_ELSEWHERE],
    ['from no issuer', key.token({ iss: undefined }), ISSUED_ELSEWHERE],
    ['for another audience', key.token({ aud: 'https://other.test' }), MEANT_FOR_OTHERS],
    ['for no audience', key.token({ aud: undefined }), MEANT_FOR_OTHERS],
    ['for an audience that is not a string', key.token({ aud: { [AUDIENCE]: true } }), MEANT_FOR_OTHERS],
    ['without sub', key.token({ sub: undefined }), SUBJECT],
    ['with a number for sub', key.token({ sub: 1 }), SUBJECT],
  ])('are refused when they are %s', async (_, token, reason) => {
    expect(await call(token)).toEqual(refused(reason));
  });

  it('are accepted when clocks differ by less than 5 seconds, and their times are finite', async () => {
    expect(await call(key.token({ nbf: secondsFromNow(4), iat: secondsFromNow(4) }))).toEqual({
      sub: 'developer-1',
    });
    expect(await call(key.token({ exp: secondsFromNow(-3) }))).toEqual({ sub: 'developer-1' });
    expect(await call(key.token({ nbf: secondsFromNow(7) }))).toEqual(refused(NOT_YET));
    for (const claim of ['exp', 'iat']) {
      const header = { alg: algorithm, typ: 'application/at+JWT', kid: key.id };
      const infinite = compactJws(header, withClaim(claim, '1e999'), (input) => key.sign(input));
      expect(await call(infinite)).toEqual(refused(NOT_FINITE));
    }
  });

  it('are refused when they are signed, but null', async () => {
    const token = compactJws({ alg: algorithm, typ: 'at+jwt', kid: key.id }, null, (input) =>
      key.sign(input),
    );
    expect(await call(token)).toMatchObject({ code: 'unauthenticated' });
  });

  it('are refused when a bit of the signature is flipped', async () => {
    const token = key.token();
    const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
    signature[0] = (signature[0] ?? 0) ^ 1;
    expect(await call(token.replace(/[^.]*$/, signature.toString('base64url')))).toEqual(refused(SIGNATURE));
  });

  it('are refused without a key id when several keys would do', async () => {
    server.publish(key, new SigningKey(algorithm, 'another'));
    expect(await call(key.token({}, { kid: undefined }))).toEqual(refused(UNKNOWN_KEY));
    expect(await call(key.token())).toEqual({ sub: 'developer-1' });
    server.publish(key, sibling);
  });
});

describe('when the authorization server is down', () => {
  const key = new SigningKey('ES256', 'key-1');
  let server: AuthorizationServer;

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    server = await AuthorizationServer.start(key);
    await start({
      accessTokens: {
        kind: 'jwks',
        uri: server.jwksUri,
        issuer: ISSUER,
        audience: AUDIENCE,
        acceptTyp: ['at+jwt'],
      },
    });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await server.stop();
  });

  it('answers 503 only to tokens that need its keys', async () => {
    await server.goDown();
    expect(await call(key.token())).toMatchObject({
      code: 'authorization_server_unavailable',
      retryAfterSeconds: 5,
    });
    expect(await call(key.token(), 'public')).toEqual({});
    expect(await call(key.token({}, { alg: 'none' }))).toEqual(refused(ALGORITHM));
    expect(await send('developer', [])).toEqual(missing);
  });

  it('continues once the keys were fetched', async () => {
    await call(key.token());
    await server.goDown();
    expect(await call(key.token())).toEqual({ sub: 'developer-1' });
  });
});

describe('routes', () => {
  const insufficient = (detail: string, scope = ''): Answer => ({
    code: 'insufficient_scope',
    detail,
    challenge: `Bearer error="insufficient_scope", error_description="${detail}"${scope}`,
  });

  it('are for developers, unless they are marked', async () => {
    await start({ accessTokens: hs256() });
    expect(await call(accessToken())).toEqual({ sub: 'developer-1' });
    expect(await call(endUserToken(PROJECT_ID))).toEqual(
      insufficient('This operation is for the developer of a project, not for its end users.'),
    );
    expect(await call(accessToken({ project_id: 1 }))).toMatchObject({ code: 'insufficient_scope' });
  });

  it('for end users are closed to developers', async () => {
    await start({ accessTokens: hs256() });
    expect(await call(endUserToken(PROJECT_ID), 'end-user')).toEqual({
      projectId: PROJECT_ID,
      userId: '2fde8f53-c67f-58cc-b59c-07ebbfa84b91',
      subject: 'user-1',
    });
    expect(await call(endUserToken(PROJECT_ID, PROJECT_ID.toUpperCase()), 'end-user')).toMatchObject({
      userId: PROJECT_ID,
    });
    expect(await call(accessToken(), 'end-user')).toEqual(
      insufficient('This operation is for the end users of a project, whose access token has a project_id.'),
    );
    expect(await send('end-user', [])).toEqual(missing);
  });

  it('for everybody ignore tokens', async () => {
    await start({ accessTokens: hs256() });
    for (const authorization of [[], ['Bearer nonsense'], [`Bearer ${endUserToken(PROJECT_ID)}`]]) {
      expect(await send('public', authorization)).toEqual({});
    }
  });

  it('for developers require the configured scope', async () => {
    await start({ accessTokens: hs256(), developerScope: 'projects:write' });
    expect(await call(accessToken({ scope: 'openid projects:write' }))).toEqual({ sub: 'developer-1' });
    expect(await call(accessToken({ scope: 'openid' }))).toEqual(
      insufficient('The access token lacks the scope of developers.', ', scope="projects:write"'),
    );
    expect(await call(endUserToken(PROJECT_ID), 'end-user')).toMatchObject({ subject: 'user-1' });
    expect(await call(accessToken(), 'end-user')).toMatchObject({ code: 'insufficient_scope' });
  });
});

describe('end-user tokens of our own', () => {
  const projectId = parseProjectId(PROJECT_ID) as ProjectId;
  const own = (keys = keyring, subject = 'user-1') => new EndUserTokens(keys).issue(projectId, subject, 60);
  /** Tokens with a wrong key, and tokens with the right key that break one rule. */
  const forged = (secret: string | Buffer, claims: Claims = {}, header: Claims = {}) =>
    compactJws(
      { alg: 'HS256', typ: 'end-user+jwt', kid: keyring.signingKey().id, ...header },
      {
        iss: 'urn:tillkeeper:end-users',
        type: 'end_user',
        sub: 'user-1',
        project_id: PROJECT_ID,
        exp: secondsFromNow(60),
        ...claims,
      },
      hmacSha256(secret),
    );
  const withOurKey = (claims: Claims, header: Claims = {}) =>
    forged(keyring.signingKey().key.export(), claims, header);
  const altered = (token: string, header: Claims) => {
    const [, ...rest] = token.split('.');
    return [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.');
  };
  const jwksKey = new SigningKey('ES256', 'key-1');
  let server: AuthorizationServer;
  let jwks: AccessTokens;

  beforeAll(async () => {
    server = await AuthorizationServer.start(jwksKey);
    jwks = { kind: 'jwks', uri: server.jwksUri, issuer: ISSUER, audience: AUDIENCE, acceptTyp: ['at+jwt'] };
  });
  afterAll(() => server.stop());

  describe.each(['hs256', 'jwks'] as const)('next to developers who come through %s', (kind) => {
    const begin = (keys?: Keyring) => start({ accessTokens: kind === 'hs256' ? hs256() : jwks }, keys);

    it('are accepted on routes for end users only', async () => {
      await begin();
      expect(await call(withOurKey({}), 'end-user')).toMatchObject({
        projectId: PROJECT_ID,
        subject: 'user-1',
      });
      expect(await call(own(), 'end-user')).toMatchObject({ projectId: PROJECT_ID, subject: 'user-1' });
      expect(await call(own(keyring, 'developer-1'))).toMatchObject({ code: 'insufficient_scope' });
    });

    it('never count as developer tokens, with claims added or removed', async () => {
      await begin();
      for (const claims of [
        { project_id: undefined },
        { project_id: null },
        { type: 'access' },
        { type: undefined },
        { type: 'access', project_id: undefined },
        { type: 'access', project_id: undefined, iss: undefined },
        { type: 'access', project_id: undefined, iss: ISSUER, aud: AUDIENCE },
      ]) {
        for (const header of [{}, { typ: 'JWT' }, { typ: 'at+jwt' }, { typ: undefined }]) {
          expect(await call(withOurKey(claims, header))).toMatchObject({ code: 'unauthenticated' });
        }
      }
      for (const header of [
        { alg: 'HS256', typ: 'JWT' },
        { alg: 'HS256', typ: 'at+jwt', kid: 'key-1' },
        { alg: 'none' },
      ]) {
        expect(await call(altered(own(), header))).toMatchObject({ code: 'unauthenticated' });
      }
    });

    it('are refused by every rule for access tokens', async () => {
      await begin();
      const another = newKeyring();
      await another.load();
      const tokens: [string, string][] = [
        [own(another), UNKNOWN_KEY],
        [forged(another.signingKey().key.export()), SIGNATURE],
        [forged(TOKEN_SECRET), SIGNATURE],
        [forged(''), SIGNATURE],
        [withOurKey({}, { kid: undefined }), UNKNOWN_KEY],
        [withOurKey({}, { kid: '../../etc/passwd' }), UNKNOWN_KEY],
        [withOurKey({}, { alg: 'HS512' }), ALGORITHM],
        [withOurKey({}, { alg: 'ES256' }), ALGORITHM],
        [withOurKey({}, { crit: ['exp'] }), EXTENSION],
        [withOurKey({ iss: ISSUER }), ISSUED_ELSEWHERE],
        [withOurKey({ iss: undefined }), ISSUED_ELSEWHERE],
        [withOurKey({ exp: secondsFromNow(-6) }), EXPIRED],
        [withOurKey({ exp: undefined }), NO_EXPIRY],
        [withOurKey({ type: 'access' }), TYPE],
        [withOurKey({ project_id: undefined }), 'The access token names no project.'],
        [withOurKey({ sub: '' }), SUBJECT],
      ];
      for (const [token, reason] of tokens) expect(await call(token, 'end-user')).toEqual(refused(reason));
    });

    it('can’t be signed with the secret of developers’ tokens', async () => {
      await begin();
      const claims = { iss: 'urn:tillkeeper:end-users', type: 'end_user', project_id: PROJECT_ID };
      const typ = 'end-user+jwt';
      const { id: kid } = keyring.signingKey();
      for (const token of [
        accessToken(claims, { typ, kid }),
        jwksKey.token(claims, { typ, kid }),
        jwksKey.token(claims, { typ }),
      ]) {
        expect(await call(token, 'end-user')).toMatchObject({ code: 'unauthenticated' });
      }
    });

    it('wait for the data keys', async () => {
      await begin(newKeyring());
      expect(await call(own(), 'end-user')).toMatchObject({ code: 'not_migrated', retryAfterSeconds: 5 });
      expect(await call(kind === 'hs256' ? accessToken() : jwksKey.token())).toEqual({ sub: 'developer-1' });
    });
  });
});

describe('the rate limit', () => {
  const limited: Answer = {
    code: 'rate_limited',
    detail: 'Too many requests; wait as long as Retry-After says.',
    retryAfterSeconds: 60,
  };
  const from = (address: string, path = 'public') => send(path, [], { 'x-forwarded-for': address });

  beforeEach(() => start({ accessTokens: hs256(), rateLimitPerMinute: 2 }));

  it('counts a subject over all routes, addresses and tokens', async () => {
    await send('developer', [`Bearer ${accessToken()}`], { 'x-forwarded-for': '192.0.2.1' });
    await send('public', [`Bearer ${accessToken({ jti: 'another' })}`], { 'x-forwarded-for': '192.0.2.2' });
    expect(await call(accessToken())).toEqual(limited);
    expect(await call(accessToken(), 'public')).toEqual(limited);
    expect(await call(accessToken({ sub: 'developer-2' }))).toEqual({ sub: 'developer-2' });
  });

  it('keeps end users apart from developers, and the projects’ end users from each other', async () => {
    for (let request = 0; request < 3; request += 1) await call(endUserToken(PROJECT_ID, 'same'));
    expect(await call(endUserToken(PROJECT_ID, 'same'))).toEqual(limited);
    expect(await call(accessToken({ sub: 'same' }))).toEqual({ sub: 'same' });
    expect(await call(endUserToken(PROJECT_ID.replace('7', '8'), 'same'), 'end-user')).toMatchObject({
      subject: 'same',
    });
  });

  it('counts callers without a valid token by address, failed attempts as well', async () => {
    expect(await send('developer', ['Bearer guess'])).toEqual(refused(MALFORMED));
    expect(await send('developer', ['Bearer another guess'])).toEqual(refused(MALFORMED));
    expect(await send('developer', ['Bearer third'])).toEqual(limited);
    expect(await send('developer', [])).toEqual(limited);
    expect(await call(accessToken())).toEqual({ sub: 'developer-1' });
  });

  it('counts an IPv6 network as one address', async () => {
    await from('2001:db8:1:2::1');
    await from('2001:db8:1:2:ffff::2');
    expect(await from('2001:0DB8:1:2:3:4:5:6')).toEqual(limited);
    expect(await from('2001:db8:1:3::1')).toEqual({});
  });

  it('counts everything that is not an address together', async () => {
    await from('unknown');
    await from('_hidden');
    expect(await from('x'.repeat(1000))).toEqual(limited);
  });

  it('ignores marked routes', async () => {
    for (let request = 0; request < 5; request += 1) expect(await from('192.0.2.1', 'unlimited')).toEqual({});
    expect(await from('192.0.2.1')).toEqual({});
  });

  it('is off at 0', async () => {
    await app?.close();
    await start({ accessTokens: hs256(), rateLimitPerMinute: 0 });
    for (let request = 0; request < 5; request += 1) expect(await from('192.0.2.1')).toEqual({});
  });
});

function hmacWithPublicKey(key: SigningKey, format: 'pem' | 'der'): string {
  const secret =
    format === 'pem'
      ? key.publicKey.export({ type: 'spki', format })
      : key.publicKey.export({ type: 'spki', format });
  return compactJws(
    { alg: 'HS256', typ: 'at+jwt', kid: key.id },
    { iss: ISSUER, aud: AUDIENCE, sub: 'a', exp: secondsFromNow(600) },
    hmacSha256(secret),
  );
}
