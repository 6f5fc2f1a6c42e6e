import { DomainError } from '../../common/errors.js';

/** Wraps and unwraps data keys with a master key. */
export interface KeyWrapper {
  /** A public id of at most 64 characters that reveals nothing about the key. */
  readonly masterKeyId: string;

  wrap(dataKey: Buffer, dataKeyId: string): Promise<string>;

  /**
   * @returns bytes for the caller to wipe
   * @throws WrongMasterKey if this master key didn't wrap the data key under this id
   */
  unwrap(wrapped: string, dataKeyId: string): Promise<Buffer>;
}

/** No configured master key can unwrap a data key of this database. */
export class WrongMasterKey extends Error {
  override readonly name = 'WrongMasterKey';
}

/** The provider of the master key is unreachable or refused the call. */
export class KeyProviderUnavailable extends DomainError {
  /** @param reason for the operator: one or two sentences without secrets or foreign text */
  constructor(
    readonly reason: string,
    cause?: unknown,
  ) {
    super('key_provider_unavailable', 'A key is not available at the moment; try again shortly.', {
      retryAfterSeconds: 5,
      cause,
    });
  }
}
