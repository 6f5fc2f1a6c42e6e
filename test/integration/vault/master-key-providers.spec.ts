import { KeyCommands } from '../../harness/vault/key-rotation.js';
import { KmsServer } from '../../harness/servers/kms-server.js';
import { Installation } from '../../harness/installation.js';
import type { LoopbackService } from '../../harness/servers/loopback-service.js';
import { configPath, startTestApp, type TestApp } from '../../harness/test-app.js';
import { engine } from '../../harness/database/test-database.js';
import { VaultServer } from '../../harness/servers/vault-server.js';

jest.setTimeout(120_000);

const BODY = { test_secret_key: `sk_test_${'a'.repeat(24)}` };

interface Provider {
  readonly service: LoopbackService;
  readonly environment: Record<string, string>;
  /** Text that no message may contain. */
  readonly secret: string;
}

const PROVIDERS: Record<string, () => Promise<Provider>> = {
  vault: async () => {
    const { service, token } = await VaultServer.start('tillkeeper');
    return { service, environment: { VAULT_ADDR: service.url, VAULT_TOKEN: token }, secret: token };
  },
  'aws-kms': async () => {
    const { service, environment } = await KmsServer.start('alias/tillkeeper');
    return {
      service,
      environment: { ...environment, AWS_KMS_KEY_ID: 'alias/tillkeeper' },
      secret: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    };
  },
};

let installation: Installation;
let app: TestApp;

beforeAll(async () => {
  installation = new Installation();
});
beforeEach(async () => {
  app = await startTestApp();
});
afterEach(() => app.close());
afterAll(() => installation.remove());

// One provider per engine is enough, since neither depends on the other.
it.each([engine === 'sqlite' ? 'vault' : 'aws-kms'])(
  '%s replaces a local master key, and is needed only at start',
  async (name) => {
    const { service, environment, secret } = (await PROVIDERS[name]?.()) ?? fail();
    try {
      const path = configPath(await app.createProject());
      await app.send('put', path).send(BODY).expect(200);
      const moved = await new KeyCommands(installation, app).run(['rotate-master', '--json'], {
        ...environment,
        MASTER_KEY_PROVIDER: `${name},local`,
      });
      expect(moved).toMatchObject({ code: 0, output: expect.stringMatching(/"left": 0/) });

      const alone = { ...app.environment, ...environment, MASTER_KEY: '', MASTER_KEY_PROVIDER: name };
      const server = installation.start(alone);
      const stored = await server.send('GET', path);
      expect(stored).toMatchObject({ status: 200, body: { test_secret_key_masked: 'sk_test_...aaaa' } });

      await service.stop();
      const requests = service.requests.length;
      const refused = installation.start(alone);
      expect(await server.send('PUT', path, { body: BODY })).toMatchObject({ status: 200 });
      expect((await server.send('GET', '/health/ready')).status).toBe(200);
      expect(await refused.ended).toEqual({ code: 1, signal: null });
      expect(refused.errors).toMatch(
        /^Tillkeeper could not start\. (Vault at VAULT_ADDR|AWS KMS) does not answer \(ECONNREFUSED\)/,
      );
      expect(refused.errors + refused.output).not.toContain(secret);
      expect(service.requests).toHaveLength(requests);
      expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(server.errors + server.output).not.toContain(secret);
    } finally {
      await service.stop();
    }
  },
);

function fail(): never {
  throw new Error('There is no such provider.');
}
