import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { LoopbackService } from '../../../test/harness/servers/loopback-service.js';
import { VaultServer } from '../../../test/harness/servers/vault-server.js';
import { Secret } from '../../common/secret.js';
import { KeyProviderUnavailable } from './key-wrapper.js';
import { WrongMasterKey } from './key-wrapper.js';
import { VaultTransitKeyWrapper } from './vault-transit-key-wrapper.js';

const dataKey = randomBytes(32);
let vault: VaultServer;

beforeEach(async () => {
  vault = await VaultServer.start('tillkeeper', 'other');
});
afterEach(() => vault.service.stop());

const wrapper = (key = 'tillkeeper', token: Secret | string = new Secret(vault.token)) =>
  new VaultTransitKeyWrapper({ address: vault.service.url, mount: 'transit', token }, key);

async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof KeyProviderUnavailable))
    throw new Error(`It did not fail for its provider: ${inspect(error)}`);
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain(vault.token);
  return error.reason;
}

it('unwraps what it wrapped, and sends Vault the id of the data key', async () => {
  const wrapped = await wrapper().wrap(dataKey, 'examplekey01');
  expect(wrapped).toMatch(/^vault1\.vault:v1:/);
  expect(await wrapper().unwrap(wrapped, 'examplekey01')).toEqual(dataKey);
  expect(wrapper().masterKeyId).toBe('vault:transit/tillkeeper');
  for (const { headers, body } of vault.service.requests) {
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-vault-token': vault.token,
      'x-vault-request': 'true',
    });
    expect(headers).not.toHaveProperty('x-vault-namespace');
    const context = Buffer.from(String(body['associated_data']), 'base64').toString();
    expect(context).toContain('examplekey01');
    expect(body['context']).toBe(body['associated_data']);
  }
});

it('calls the configured namespace', async () => {
  const source = {
    address: vault.service.url,
    mount: 'transit',
    token: new Secret(vault.token),
    namespace: 'team/payments',
  };
  await new VaultTransitKeyWrapper(source, 'tillkeeper').wrap(dataKey, 'examplekey01');
  expect(vault.service.requests.map(({ headers }) => headers['x-vault-namespace'])).toEqual([
    'team/payments',
  ]);
});

it('unwraps with an older version of the key, and wraps with the newest', async () => {
  const wrapped = await wrapper().wrap(dataKey, 'examplekey01');
  vault.rotate('tillkeeper');
  expect(await wrapper().unwrap(wrapped, 'examplekey01')).toEqual(dataKey);
  expect(await wrapper().wrap(dataKey, 'examplekey01')).toMatch(/^vault1\.vault:v2:/);
});

it('refuses wrapped keys of another data key or transit key, and altered ones', async () => {
  const wrapped = await wrapper().wrap(dataKey, 'examplekey01');
  await expect(wrapper().unwrap(wrapped, 'examplekey02')).rejects.toThrow(WrongMasterKey);
  await expect(wrapper('other').unwrap(wrapped, 'examplekey01')).rejects.toThrow(WrongMasterKey);
  await expect(wrapper().unwrap(wrapped.replace('vault1.', 'vault2.'), 'examplekey01')).rejects.toThrow(
    WrongMasterKey,
  );
  await expect(wrapper().unwrap(`${wrapped.slice(0, -8)}AAAAAAA=`, 'examplekey01')).rejects.toThrow(
    "Master key vault:transit/tillkeeper can't unwrap data key examplekey01",
  );
});

it('reads a token from its file each time, so that it may be renewed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vault-token-'));
  try {
    const file = join(folder, 'token');
    const fromFile = wrapper('tillkeeper', file);
    expect(await reasonOf(fromFile.wrap(dataKey, 'examplekey01'))).toContain('VAULT_TOKEN_FILE');
    writeFileSync(file, 'hvs.outdated\n');
    expect(await reasonOf(fromFile.wrap(dataKey, 'examplekey01'))).toContain('(403)');
    for (const text of ['', '\n', `${vault.token}\nhvs.another`, `${vault.token}\u2603`]) {
      writeFileSync(file, text);
      expect(await reasonOf(fromFile.wrap(dataKey, 'examplekey01'))).toContain(
        'VAULT_TOKEN_FILE must hold one token',
      );
    }
    // Some editors write a byte order mark.
    writeFileSync(file, `\ufeff${vault.token}\r\n`);
    await expect(fromFile.wrap(dataKey, 'examplekey01')).resolves.toBeDefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('reports', () => {
  it.each<[string, VaultServer['failure'], RegExp]>([
    ['a sealed Vault', { status: 503, body: { errors: ['Vault is sealed'] } }, /sealed.*\(503\)/],
    [
      'a refused token',
      { status: 403, body: { errors: ['permission denied'] } },
      /token \(403\).*transit\/decrypt\/tillkeeper/,
    ],
    ['a wrong path', { status: 404, body: { errors: [] } }, /VAULT_TRANSIT_MOUNT/],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/v1/transit' } }, /redirects/],
    ['an error of Vault', { status: 500, body: { errors: ['internal error'] } }, /answered with 500/],
    ['a redirect with several targets', { status: 300 }, /redirects/],
    ['an unknown status', { status: 202 }, /answered with 202/],
    ['another server', { status: 200, body: { greeting: 'hello' } }, /is not HashiCorp Vault/],
    ['an answer of null', { status: 200, body: null }, /is not HashiCorp Vault/],
    ['an answer without JSON', { status: 200 }, /is not HashiCorp Vault/],
  ])('%s', async (_, failure, reason) => {
    const wrapped = await wrapper().wrap(dataKey, 'examplekey01');
    vault.failure = failure;
    expect(await reasonOf(wrapper().unwrap(wrapped, 'examplekey01'))).toMatch(reason);
  });

  it('a transit key of the wrong type', async () => {
    vault.failure = { status: 400, body: { errors: ['associated_data not supported'] } };
    expect(await reasonOf(wrapper().wrap(dataKey, 'examplekey01'))).toMatch(/aes256-gcm96/);
  });

  it('a malformed ciphertext', async () => {
    vault.failure = { status: 200, body: { data: { ciphertext: 'hello' } } };
    expect(await reasonOf(wrapper().wrap(dataKey, 'examplekey01'))).toMatch(/is not HashiCorp Vault/);
  });

  it('an unreachable Vault', async () => {
    await vault.service.stop();
    expect(await reasonOf(wrapper().wrap(dataKey, 'examplekey01'))).toMatch(
      /does not answer \(ECONNREFUSED\)/,
    );
  });
});

it('stops waiting after a timeout', async () => {
  const after = AbortSignal.timeout.bind(AbortSignal);
  const timeout = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => after(50));
  try {
    const silent = new LoopbackService(() => undefined);
    await silent.start();
    const hanging = new VaultTransitKeyWrapper(
      { address: silent.url, mount: 'transit', token: new Secret(vault.token) },
      'tillkeeper',
    );
    expect(await reasonOf(hanging.wrap(dataKey, 'examplekey01'))).toMatch(/does not answer within 5 seconds/);
    expect(timeout).toHaveBeenCalledWith(5_000);
    await silent.stop();
  } finally {
    timeout.mockRestore();
  }
});

it('never shows the token', () => {
  expect(inspect(wrapper(), { showHidden: true, depth: Infinity }) + JSON.stringify(wrapper())).not.toContain(
    vault.token,
  );
});
