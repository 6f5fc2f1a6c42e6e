import { Logger } from '@nestjs/common';
import { AuthorizationServer } from '../../../test/harness/servers/authorization-server.js';
import { SigningKey } from '../../../test/harness/tokens.js';
import { DomainError } from '../../common/errors.js';
import { JwksKeys } from './jwks-keys.js';

const first = new SigningKey('ES256', 'first');
const second = new SigningKey('ES256', 'second');
const edwards = new SigningKey('EdDSA', 'edwards');

const SECOND = 1000;

describe('JwksKeys', () => {
  let server: AuthorizationServer;
  let keys: JwksKeys;
  let now: number;
  let warnings: jest.SpyInstance;

  const finds = async (key: SigningKey, id = key.id) =>
    (await keys.find(key.algorithm, id))?.equals(key.publicKey) ?? false;
  const unavailable = async () =>
    keys.find('ES256', 'first').then(
      () => undefined,
      (error: unknown) => error,
    );

  /** Waits for background work, which exposes no promise. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  beforeEach(async () => {
    now = 0;
    server = await AuthorizationServer.start(first);
    keys = new JwksKeys(server.jwksUri, () => now);
    warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await server.stop();
  });

  it('fetches nothing before the first token, and once for concurrent tokens', async () => {
    expect(server.fetches).toBe(0);
    expect(await Promise.all(Array.from({ length: 20 }, () => finds(first)))).toEqual(Array(20).fill(true));
    expect(server.fetches).toBe(1);
  });

  it('finds a key by algorithm and id together', async () => {
    expect(await finds(first)).toBe(true);
    expect(await keys.find('EdDSA', 'first')).toBeUndefined();
    expect(await keys.find('ES256', 'other')).toBeUndefined();
  });

  it('finds a key without an id only if no other key of the algorithm exists', async () => {
    server.publish(first, edwards);
    expect((await keys.find('ES256'))?.equals(first.publicKey)).toBe(true);
    expect((await keys.find('EdDSA'))?.equals(edwards.publicKey)).toBe(true);
    server.publish(first, second, edwards);
    keys = new JwksKeys(server.jwksUri, () => now);
    expect(await keys.find('ES256')).toBeUndefined();
    expect(await finds(second)).toBe(true);
  });

  it('takes the first of two keys with one id', async () => {
    server.publish(first, new SigningKey('ES256', 'first'));
    expect(await finds(first)).toBe(true);
  });

  it('logs why the keys could not be fetched, and tells the caller that the token is not the cause', async () => {
    server.publishJwks({ keys: [] });
    expect(await unavailable()).toMatchObject({
      message: expect.stringContaining('authorization server are out of reach') as string,
    });
    expect(warnings).toHaveBeenCalledWith(
      'The keys of the authorization server could not be fetched: Error: the answer holds no usable key.',
    );
  });

  it('fetches a new key with the first token that names it, once for concurrent tokens', async () => {
    await finds(first);
    server.publish(first, second);
    expect(await Promise.all(Array.from({ length: 20 }, () => finds(second)))).toEqual(Array(20).fill(true));
    expect(server.fetches).toBe(2);
  });

  it('drops a key that is no longer published', async () => {
    await finds(first);
    server.publish(second);
    await finds(second);
    expect(await finds(first)).toBe(false);
  });

  it('fetches at most once in 30 seconds for unknown ids, also when the fetch finds them', async () => {
    await finds(first);
    server.publish(second);
    expect(await finds(second)).toBe(true);
    server.publish(first);
    expect(await finds(first)).toBe(false);
    expect(server.fetches).toBe(2);
    now += 30 * SECOND;
    expect(await finds(first)).toBe(true);
    expect(server.fetches).toBe(3);
  });

  it('fetches at most once in 30 seconds for ids that nobody published', async () => {
    await finds(first);
    for (let attempt = 0; attempt < 20; attempt += 1) await keys.find('ES256', `made-up-${attempt}`);
    expect(server.fetches).toBe(2);
    now += 29.9 * SECOND;
    await keys.find('ES256', 'made-up');
    expect(server.fetches).toBe(2);
    now += 0.1 * SECOND;
    await keys.find('ES256', 'made-up');
    expect(server.fetches).toBe(3);
  });

  it('counts the very first fetch and failed ones too', async () => {
    expect(await keys.find('ES256', 'made-up')).toBeUndefined();
    now += 29 * SECOND;
    await keys.find('ES256', 'made-up');
    expect(server.fetches).toBe(1);
    now += 1 * SECOND;
    server.answerWith((response) => response.writeHead(500).end());
    for (let attempt = 0; attempt < 5; attempt += 1) await keys.find('ES256', 'made-up');
    expect(server.fetches).toBe(2);
  });

  it('serves its keys while it refreshes them in the background after five minutes', async () => {
    await finds(first);
    const fetching = jest.spyOn(globalThis, 'fetch');
    now += 299 * SECOND;
    await finds(first);
    expect(fetching).not.toHaveBeenCalled();
    now += 1 * SECOND;
    let release = () => {};
    server.answerWith((response) => (release = () => response.end(JSON.stringify({ keys: [second.jwk] }))));
    expect(await Promise.all(Array.from({ length: 5 }, () => finds(first)))).toEqual(Array(5).fill(true));
    await until(() => server.fetches === 2);
    expect(await finds(first)).toBe(true);
    release();
    expect(await finds(second)).toBe(true);
    expect(server.fetches).toBe(2);
  });

  it('keeps its keys when the server is down, and retries every 30 seconds', async () => {
    await finds(first);
    await server.goDown();
    now += 3600 * SECOND;
    expect(await finds(first)).toBe(true);
    await until(() => warnings.mock.calls.length === 1);
    expect(warnings).toHaveBeenCalledWith(
      expect.stringMatching(/^The keys of the authorization server could not be fetched: .*ECONNREFUSED/),
    );
    const fetching = jest.spyOn(globalThis, 'fetch');
    now += 29 * SECOND;
    expect(await finds(first)).toBe(true);
    expect(fetching).not.toHaveBeenCalled();
    await server.comeBack();
    now += 1 * SECOND;
    expect(await finds(first)).toBe(true);
    await until(() => server.fetches === 2);
  });

  it('answers with Retry-After while it never had a key, and recovers', async () => {
    await server.goDown();
    expect(await unavailable()).toMatchObject({
      code: 'authorization_server_unavailable',
      retryAfterSeconds: 5,
    });
    await server.comeBack();
    now += 3.5 * SECOND;
    expect(await unavailable()).toMatchObject({
      code: 'authorization_server_unavailable',
      retryAfterSeconds: 2,
    });
    expect(server.fetches).toBe(0);
    now += 1.5 * SECOND;
    expect(await finds(first)).toBe(true);
  });

  describe.each<[string, () => void]>([
    [
      'an error',
      () =>
        server.answerWith((response) => response.writeHead(503).end(JSON.stringify({ keys: [second.jwk] }))),
    ],
    [
      'a redirect',
      () => server.answerWith((response) => response.writeHead(302, { location: server.jwksUri }).end()),
    ],
    ['something that is not JSON', () => server.answerWith((response) => response.end('<html>'))],
    ['no keys', () => server.publishJwks({ keys: [] })],
    [
      'only unusable keys',
      () => server.publishJwks({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'first' }, null] }),
    ],
    ['over 1 MB', () => server.publishJwks({ keys: [second.jwk], padding: 'x'.repeat(1024 * 1024) })],
    ['a broken connection', () => server.answerWith((response) => response.destroy())],
  ])('when the server answers with %s', (_, misbehave) => {
    it('keeps its keys', async () => {
      await finds(first);
      misbehave();
      expect(await finds(second)).toBe(false);
      expect(server.fetches).toBe(2);
      expect(await finds(first)).toBe(true);
      expect(warnings).toHaveBeenCalledTimes(1);
    });

    it('is unavailable if it has no keys', async () => {
      misbehave();
      expect(await unavailable()).toBeInstanceOf(DomainError);
    });
  });
});
