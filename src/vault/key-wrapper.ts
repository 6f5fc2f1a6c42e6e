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
