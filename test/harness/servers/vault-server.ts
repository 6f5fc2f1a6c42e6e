import { AesKey } from '../vault/aes-key.js';
import { LoopbackService, type ServiceAnswer, type ServiceRequest } from './loopback-service.js';

const refuse = (status: number, ...errors: string[]): ServiceAnswer => ({ status, body: { errors } });

/** The transit API of HashiCorp Vault, with keys of type aes256-gcm96. */
export class VaultServer {
  readonly token = `hvs.${'a'.repeat(24)}`;
  readonly service = new LoopbackService((request) => this.failure ?? this.#answer(request));
  /** Replaces every answer while it is set. */
  failure: ServiceAnswer;
  readonly #keys = new Map<string, AesKey[]>();

  static async start(...keys: string[]): Promise<VaultServer> {
    const server = new VaultServer();
    for (const key of keys) server.rotate(key);
    await server.service.start();
    return server;
  }

  /** Adds a version to a key, and creates the key with the first. */
  rotate(key: string): void {
    this.#keys.set(key, [...(this.#keys.get(key) ?? []), new AesKey()]);
  }

  seal(): void {
    this.failure = refuse(503, 'Vault is sealed');
  }

  #answer({ path, headers, body }: ServiceRequest): ServiceAnswer {
    if (headers['x-vault-token'] !== this.token) return refuse(403, 'permission denied');
    const [, operation, key = ''] = /^\/v1\/transit\/(encrypt|decrypt)\/([\w.-]+)$/.exec(path) ?? [];
    const versions = this.#keys.get(key);
    if (!operation) return refuse(404);
    if (!versions) return refuse(403, '1 error occurred:\n\t* permission denied\n\n');
    const authenticated = JSON.stringify(body['associated_data']);
    if (operation === 'encrypt') {
      const encrypted = versions
        .at(-1)
        ?.encrypt(Buffer.from(String(body['plaintext']), 'base64'), authenticated);
      const ciphertext = `vault:v${versions.length}:${encrypted?.toString('base64')}`;
      return {
        status: 200,
        body: {
          request_id: '1',
          lease_id: '',
          renewable: false,
          data: { ciphertext, key_version: versions.length },
        },
      };
    }
    const [, version, text = ''] = /^vault:v(\d+):(.+)$/.exec(String(body['ciphertext'])) ?? [];
    const plaintext = versions[Number(version) - 1]?.decrypt(Buffer.from(text, 'base64'), authenticated);
    if (!plaintext) return refuse(400, 'cipher: message authentication failed');
    return { status: 200, body: { request_id: '1', data: { plaintext: plaintext.toString('base64') } } };
  }
}
