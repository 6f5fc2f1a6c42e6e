import type { KMSClient } from '@aws-sdk/client-kms';
import { KeyProviderUnavailable } from './key-wrapper.js';
import { type KeyWrapper, WrongMasterKey } from './key-wrapper.js';

const FORMAT = 'awskms1';
/** Milliseconds for a call, including the SDK's retries and its search for credentials. */
const TIMEOUT_MS = 8_000;
const ATTEMPT_MS = 3_000;

/** Reasons by error name. The first match applies. */
const REASONS: readonly [name: RegExp, reason: string][] = [
  [
    /^(CredentialsProviderError|TokenProviderError)$/,
    'No AWS credentials were found where the SDK looks for them.',
  ],
  [
    /^(UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|ExpiredTokenException|IncompleteSignature)$/,
    'AWS KMS refuses the credentials.',
  ],
  [
    /^AccessDeniedException$/,
    'AWS KMS does not let these credentials use the key: they need kms:Encrypt and kms:Decrypt.',
  ],
  [/^NotFoundException$/, 'AWS KMS has no key of this AWS_KMS_KEY_ID in this account and region.'],
  [
    /^(DisabledException|KMSInvalidStateException|KeyUnavailableException)$/,
    'The key of AWS_KMS_KEY_ID is disabled, or pending deletion.',
  ],
  [/^InvalidKeyUsageException$/, 'The key of AWS_KMS_KEY_ID must be a symmetric one, for encryption.'],
];

/** A master key that never leaves AWS KMS. Text form: `awskms1.<base64url of the ciphertext blob>`. */
export class AwsKmsKeyWrapper implements KeyWrapper {
  readonly masterKeyId: string;
  readonly #region: string | undefined;
  #client: KMSClient | undefined;

  /** @param keyId the id, alias or ARN of a symmetric key; an ARN includes the region */
  constructor(private readonly keyId: string) {
    this.masterKeyId = `aws-kms:${keyId.replace(/^arn:.*:/, '').replace(/^key\//, '')}`;
    this.#region = /^arn:[^:]+:kms:([^:]+):/.exec(keyId)?.[1];
  }

  async wrap(dataKey: Buffer, dataKeyId: string): Promise<string> {
    const { EncryptCommand } = await import('@aws-sdk/client-kms');
    const command = new EncryptCommand({
      KeyId: this.keyId,
      Plaintext: dataKey,
      EncryptionContext: contextOf(dataKeyId),
    });
    const { CiphertextBlob } = await this.#reaching((client, options) => client.send(command, options));
    return `${FORMAT}.${bytes(CiphertextBlob).toString('base64url')}`;
  }

  async unwrap(wrapped: string, dataKeyId: string): Promise<Buffer> {
    const blob = Buffer.from(wrapped.slice(FORMAT.length + 1), 'base64url');
    if (!wrapped.startsWith(`${FORMAT}.`) || blob.length === 0) throw this.#wrongKey(dataKeyId);
    const { DecryptCommand } = await import('@aws-sdk/client-kms');
    const command = new DecryptCommand({
      KeyId: this.keyId,
      CiphertextBlob: blob,
      EncryptionContext: contextOf(dataKeyId),
    });
    try {
      const { Plaintext } = await this.#reaching((client, options) => client.send(command, options));
      return bytes(Plaintext);
    } catch (error) {
      const name =
        error instanceof KeyProviderUnavailable && error.cause instanceof Error ? error.cause.name : '';
      throw /^(InvalidCiphertextException|IncorrectKeyException)$/.test(name)
        ? this.#wrongKey(dataKeyId)
        : error;
    }
  }

  async #reaching<T>(
    call: (client: KMSClient, options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    try {
      return await call(await this.#connect(), { abortSignal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      throw new KeyProviderUnavailable(reasonOf(error), error);
    }
  }

  /** Loads the SDK only if it is used. */
  async #connect(): Promise<KMSClient> {
    const { KMSClient } = await import('@aws-sdk/client-kms');
    // Silences the SDK's ten lines about Node versions; package.json states the supported ones.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    this.#client ??= new KMSClient({
      ...(this.#region === undefined ? {} : { region: this.#region }),
      maxAttempts: 2,
      requestHandler: {
        connectionTimeout: ATTEMPT_MS,
        requestTimeout: ATTEMPT_MS,
        throwOnRequestTimeout: true,
      },
    });
    return this.#client;
  }

  #wrongKey(dataKeyId: string): WrongMasterKey {
    return new WrongMasterKey(
      `Master key ${this.masterKeyId} can't unwrap data key ${dataKeyId}: it is another master key's, or was altered.`,
    );
  }
}

/** Returns the encryption context, which KMS authenticates and logs in CloudTrail. */
function contextOf(dataKeyId: string): Record<string, string> {
  return { 'tillkeeper:data-key': dataKeyId };
}

/** Copies the bytes, so that the caller may wipe them. */
function bytes(answer: Uint8Array | undefined): Buffer {
  if (!answer) throw new KeyProviderUnavailable('What answers is not AWS KMS.');
  return Buffer.from(answer);
}

/**
 * Explains an error by name or code: its message may contain anything.
 * Avoids `instanceof Error`: in Jest, Node's own errors come from another realm.
 */
function reasonOf(error: unknown): string {
  const { name, code, message }: { name?: unknown; code?: unknown; message?: unknown } =
    typeof error === 'object' && error ? error : {};
  if (name === 'TimeoutError' || name === 'AbortError')
    return `AWS KMS does not answer within ${TIMEOUT_MS / 1_000} seconds: can this machine reach it?`;
  if (name === 'Error' && /\bregion\b/i.test(String(message)))
    return 'AWS_REGION must be set, or AWS_KMS_KEY_ID be an ARN.';
  const known = REASONS.find(([pattern]) => pattern.test(String(name)));
  if (known) return `${known[1]} (${String(name)})`;
  const safeName = [code, name].find(
    (each) => typeof each === 'string' && /^\w{1,64}$/.test(each) && each !== 'Error',
  );
  return `AWS KMS does not answer${typeof safeName === 'string' ? ` (${safeName})` : ''}: can this machine reach it, and is it the right region?`;
}
