import { createHmac, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Secret } from '../../../common/secret.js';
import { Keyring } from '../../../vault/keys/keyring.js';
import type { SealContext, SealedText } from '../../../vault/seal/seal.js';
import { sealedColumn } from '../../../vault/seal/sealed-column.js';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
/** Shorter values of headers appear in answers by chance. */
const MIN_HIDDEN_LENGTH = 6;
const HIDDEN = '[hidden]';

export type Headers = Readonly<Record<string, string>>;

interface Values {
  readonly secret: string;
  readonly former?: { readonly secret: string; readonly until: string };
  readonly headers: Headers;
}

/** The signing secrets and the custom headers of a destination. */
export class DestinationSecrets {
  readonly #values: Values;

  private constructor(values: Values) {
    this.#values = values;
  }

  static make(headers: Headers): DestinationSecrets {
    return new DestinationSecrets({ secret: newSecret(), headers });
  }

  /** @param json as `sealable` made it */
  static read(json: Secret): DestinationSecrets {
    return new DestinationSecrets(JSON.parse(json.reveal()) as Values);
  }

  get sealable(): Secret {
    return new Secret(JSON.stringify(this.#values));
  }

  /** The current signing secret, to be shown once. */
  get shown(): string {
    return this.#values.secret;
  }

  withHeaders(headers: Headers): DestinationSecrets {
    return new DestinationSecrets({ ...this.#values, headers });
  }

  /** @param until the end of the overlap, in which both secrets sign; `null` for none */
  rotated(until: Date | null): DestinationSecrets {
    const { secret, headers } = this.#values;
    const former = until && { former: { secret, until: until.toISOString() } };
    return new DestinationSecrets({ secret: newSecret(), headers, ...former });
  }

  /**
   * The headers of a request: the custom ones, and those of Standard Webhooks 1.0
   * (https://www.standardwebhooks.com).
   */
  headersFor({ id, body, at }: { id: string; body: string; at: Date }): Headers {
    const timestamp = String(Math.floor(at.getTime() / 1_000));
    const { secret, former, headers } = this.#values;
    const valid = [secret, ...(former && new Date(former.until) > at ? [former.secret] : [])];
    const signatures = valid.map((key) => `v1,${signature(key, `${id}.${timestamp}.${body}`)}`);
    return {
      ...headers,
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    };
  }

  /** Hides the secrets in an answer: some receivers repeat the headers of a request. */
  hideIn(text: string): string {
    const { secret, former, headers } = this.#values;
    return [secret, former?.secret ?? '', ...Object.values(headers)]
      .filter((value) => value.length >= MIN_HIDDEN_LENGTH)
      .reduce((shown, value) => shown.replaceAll(value, HIDDEN), text);
  }
}

function newSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
}

function signature(secret: string, signed: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return createHmac('sha256', key).update(signed).digest('base64');
}

const contextOf = (id: string): SealContext => ({
  purpose: 'event-destination',
  tenant: id,
  field: 'secrets',
});

export const SEALED_DESTINATIONS = sealedColumn({
  table: 'event_destinations',
  primaryKey: ['id'],
  sealed: 'sealed',
  keyId: 'key_id',
  contextOf: ({ id }) => contextOf(id),
});

@Injectable()
export class DestinationSealer {
  constructor(private readonly keyring: Keyring) {}

  /** Runs `write`, which seals and stores. Retries once if the data key was retired meanwhile. */
  withCurrentKey<T>(write: () => Promise<T>): Promise<T> {
    return this.keyring.withCurrentKey(write);
  }

  seal(id: string, secrets: DestinationSecrets): { sealed: SealedText; keyId: string } {
    return this.keyring.seal(contextOf(id), secrets.sealable);
  }

  /** @throws SealBroken */
  async open(id: string, sealed: SealedText): Promise<DestinationSecrets> {
    return DestinationSecrets.read(await this.keyring.unseal(contextOf(id), sealed));
  }
}
