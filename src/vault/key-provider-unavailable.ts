import { DomainError } from '../common/errors.js';

/** Whoever holds the master key can't be asked at the moment, or refuses. */
export class KeyProviderUnavailable extends DomainError {
  /** @param reason for the operator: one or two sentences, nothing secret, nothing that somebody else wrote */
  constructor(
    readonly reason: string,
    cause?: unknown,
  ) {
    super('key_provider_unavailable', 'A key is not available at the moment; try again shortly.', { retryAfterSeconds: 5, cause });
  }
}
