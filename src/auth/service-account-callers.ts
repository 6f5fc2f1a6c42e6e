import { Injectable } from '@nestjs/common';
import { DomainError } from '../common/errors.js';
import { Keyring } from '../vault/keys/keyring.js';
import { invalidToken } from './auth.errors.js';
import type { ServiceAccount } from './caller.js';
import { type KeyRefusal, OpaqueKeys } from './opaque-keys/opaque-keys.js';

/** @returns the account of a live project, or of the operator */
type Find = (id: string) => Promise<ServiceAccount | undefined>;

const REFUSALS: Record<KeyRefusal, () => DomainError> = {
  malformed: () => invalidToken('The key of the service account is malformed: copy all of it.'),
  unknown: () => invalidToken('The key of the service account is unknown, or was revoked.'),
  expired: () => invalidToken('The key of the service account has expired.'),
  wrong_network: () =>
    new DomainError(
      'wrong_network',
      'The key of the service account may not be used from this network address.',
    ),
};

/** Identifies service accounts by their keys. */
@Injectable()
export class ServiceAccountCallers {
  /** Keys that were refused in this process, by reason. */
  readonly refusals: Record<KeyRefusal, number> = { malformed: 0, unknown: 0, expired: 0, wrong_network: 0 };
  #find: Find = async () => undefined;

  constructor(
    private readonly keys: OpaqueKeys,
    private readonly keyring: Keyring,
  ) {}

  /** Called at the start by the module of service accounts, which is above this one. */
  findWith(find: Find): void {
    this.#find = find;
  }

  /** @throws DomainError `unauthenticated`, `wrong_network`, `not_migrated`, `database_unavailable` */
  async identify(key: string, ip: string): Promise<ServiceAccount> {
    if (!this.keyring.isLoaded)
      throw new DomainError('not_migrated', 'The service is still starting.', { retryAfterSeconds: 5 });
    const { holder, refusal } = await this.keys.verify('service_account', { key, ip }, this.#find);
    if (refusal === undefined) return holder;
    this.refusals[refusal] += 1;
    throw REFUSALS[refusal]();
  }
}
