import { AesKey } from '../vault/aes-key.js';
import { LoopbackService, type ServiceAnswer, type ServiceRequest } from './loopback-service.js';

const refuse = (type: string, status = 400): ServiceAnswer => ({
  status,
  body: { __type: type, message: `The request was refused, ${type}` },
  headers: { 'content-type': 'application/x-amz-json-1.1' },
});

/**
 * AWS KMS as far as `Encrypt` and `Decrypt` go: JSON 1.1, the operation in `X-Amz-Target`, symmetric keys.
 */
export class KmsServer {
  readonly service = new LoopbackService((request) => this.failure ?? this.#answer(request));
  /** Replaces every answer while it is set. */
  failure: ServiceAnswer;
  readonly #keys = new Map<string, AesKey>();

  static async start(...keys: string[]): Promise<KmsServer> {
    const server = new KmsServer();
    for (const key of keys) server.#keys.set(key, new AesKey());
    await server.service.start();
    return server;
  }

  /** Environment of a process that uses the service. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_KMS: this.service.url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'AKIA'.padEnd(20, 'A'),
      AWS_SECRET_ACCESS_KEY: 's'.repeat(40),
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  refuse(type: string, status?: number): void {
    this.failure = refuse(type, status);
  }

  #answer({ headers, body }: ServiceRequest): ServiceAnswer {
    if (headers['content-type'] !== 'application/x-amz-json-1.1') return refuse('SerializationException');
    if (!headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=AKIA'))
      return refuse('MissingAuthenticationTokenException');
    const keyId = String(body['KeyId']);
    const key = this.#keys.get(keyId);
    if (!key) return refuse('NotFoundException');
    const context = JSON.stringify(body['EncryptionContext'] ?? {});
    const target = headers['x-amz-target'];
    if (target === 'TrentService.Encrypt') {
      const encrypted = key.encrypt(Buffer.from(String(body['Plaintext']), 'base64'), context);
      return {
        status: 200,
        body: {
          CiphertextBlob: encrypted.toString('base64'),
          KeyId: keyId,
          EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
        },
      };
    }
    if (target !== 'TrentService.Decrypt') return refuse('UnknownOperationException');
    const plaintext = key.decrypt(Buffer.from(String(body['CiphertextBlob']), 'base64'), context);
    return plaintext
      ? { status: 200, body: { Plaintext: plaintext.toString('base64'), KeyId: keyId } }
      : refuse('InvalidCiphertextException');
  }
}
