import { DomainError } from '../../common/errors.js';

/** Whoever holds the master key: wraps data keys for the database and unwraps them again. */
export interface KeyWrapper {
  /** Public: tells which master key this is, gives nothing of it away. At most 64 characters. */
  readonly masterKeyId: string;

  wrap(dataKey: Buffer, dataKeyId: string): Promise<string>;

  /**
   * @returns bytes that belong to the caller, who wipes them
   * @throws WrongMasterKey when this master key didn't wrap them, or not for this id
   */
  unwrap(wrapped: string, dataKeyId: string): Promise<Buffer>;
}

/** The master key at hand can't unwrap a data key of this database. */
export class WrongMasterKey extends Error {
  override readonly name = 'WrongMasterKey';
}

/** Whoever holds the master key can't be asked at the moment, or refuses. */
export class KeyProviderUnavailable extends DomainError {
  /** @param reason for the operator: one or two sentences, nothing secret, nothing that somebody else wrote */
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
