import { readFileSync } from 'node:fs';
import { Secret } from '../../common/secret.js';
import { vaultToken } from '../../config/rules.js';
import type { MasterKeySource } from '../../config/settings.js';
import { KeyProviderUnavailable } from './key-wrapper.js';
import { type KeyWrapper, WrongMasterKey } from './key-wrapper.js';
import { lengthPrefixed } from '../seal/cipher.js';

const FORMAT = 'vault1';
const TIMEOUT_MS = 5_000;
const CIPHERTEXT = /^vault:v\d+:[\w+/=-]+$/;

type VaultSource = Omit<Extract<MasterKeySource, { provider: 'vault' }>, 'provider' | 'keys'>;

/** A master key that never leaves HashiCorp Vault. Text form: `vault1.<ciphertext of transit>`. */
export class VaultTransitKeyWrapper implements KeyWrapper {
  readonly masterKeyId: string;

  constructor(
    private readonly source: VaultSource,
    private readonly key: string,
  ) {
    this.masterKeyId = `vault:${source.mount}/${key}`;
  }

  async wrap(dataKey: Buffer, dataKeyId: string): Promise<string> {
    const ciphertext = await this.#call(
      'encrypt',
      dataKeyId,
      { plaintext: dataKey.toString('base64') },
      'ciphertext',
    );
    if (!CIPHERTEXT.test(ciphertext)) throw notVault();
    return `${FORMAT}.${ciphertext}`;
  }

  async unwrap(wrapped: string, dataKeyId: string): Promise<Buffer> {
    const ciphertext = wrapped.slice(FORMAT.length + 1);
    if (!wrapped.startsWith(`${FORMAT}.`) || !CIPHERTEXT.test(ciphertext)) throw this.#wrongKey(dataKeyId);
    return Buffer.from(await this.#call('decrypt', dataKeyId, { ciphertext }, 'plaintext'), 'base64');
  }

  async #call(
    operation: 'encrypt' | 'decrypt',
    dataKeyId: string,
    input: Record<string, string>,
    wanted: string,
  ): Promise<string> {
    const path = `${this.source.mount}/${operation}/${this.key}`;
    // Binds the ciphertext to this data key: by authenticated data and, for a derived transit key, by its
    // context.
    const binding = lengthPrefixed(FORMAT, this.masterKeyId, dataKeyId).toString('base64');
    const { status, body } = await this.#post(path, { ...input, associated_data: binding, context: binding });
    if (status === 400 && operation === 'decrypt') throw this.#wrongKey(dataKeyId);
    if (status !== 200) throw new KeyProviderUnavailable(refusalOf(status, path));
    const value = (body as { data?: Record<string, unknown> } | null)?.data?.[wanted];
    if (typeof value !== 'string') throw notVault();
    return value;
  }

  async #post(path: string, input: Record<string, string>): Promise<{ status: number; body: unknown }> {
    const { address, namespace } = this.source;
    const token = this.#token();
    try {
      const response = await fetch(`${address}/v1/${path}`, {
        method: 'POST',
        // A redirect would send the token to another server.
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'x-vault-request': 'true',
          'x-vault-token': token.reveal(),
          ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        },
        body: JSON.stringify(input),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      return {
        status: response.status,
        body: response.status === 200 ? (JSON.parse(text) as unknown) : undefined,
      };
    } catch (error) {
      if (error instanceof SyntaxError) throw notVault();
      throw new KeyProviderUnavailable(
        `Vault at VAULT_ADDR does not answer${codeOf(error)}: is it running, and can this machine reach it?`,
        error,
      );
    }
  }

  #token(): Secret {
    const { token } = this.source;
    if (token instanceof Secret) return token;
    let text;
    try {
      text = readFileSync(token, 'utf8').trim();
    } catch {
      throw new KeyProviderUnavailable('The file of VAULT_TOKEN_FILE can not be read.');
    }
    // fetch would repeat an invalid header value in its error.
    const read = vaultToken(text);
    if (!read)
      throw new KeyProviderUnavailable(
        'The file of VAULT_TOKEN_FILE must hold one token of visible ASCII characters, and nothing else.',
      );
    return read;
  }

  #wrongKey(dataKeyId: string): WrongMasterKey {
    return new WrongMasterKey(
      `Master key ${this.masterKeyId} can't unwrap data key ${dataKeyId}: it is another master key's, or was altered.`,
    );
  }
}

function notVault(): KeyProviderUnavailable {
  return new KeyProviderUnavailable(
    'What answers at VAULT_ADDR is not HashiCorp Vault with a transit engine.',
  );
}

function refusalOf(status: number, path: string): string {
  if (status >= 300 && status < 400)
    return `Vault redirects elsewhere (${status}): set VAULT_ADDR to the node that answers itself.`;
  if (status === 400)
    return `Vault can't use the transit key (400): it must be of type aes256-gcm96 or chacha20-poly1305. The path is ${path}.`;
  if (status === 403)
    return `Vault refuses the token (403): it must be valid, and its policy must allow update on ${path}.`;
  if (status === 404)
    return `Vault has nothing at ${path} (404): check VAULT_TRANSIT_MOUNT, VAULT_TRANSIT_KEY and VAULT_NAMESPACE.`;
  if (status === 503) return 'Vault is sealed, or down for maintenance (503).';
  return `Vault answered with ${status}.`;
}

/** Returns for example " (ECONNREFUSED)". Errors fail `instanceof` in Jest: they come from another realm. */
function codeOf(error: unknown): string {
  const { name, cause }: { name?: string; cause?: { code?: unknown } } =
    typeof error === 'object' && error ? error : {};
  if (name === 'TimeoutError') return ` within ${TIMEOUT_MS / 1_000} seconds`;
  return typeof cause?.code === 'string' ? ` (${cause.code})` : '';
}
