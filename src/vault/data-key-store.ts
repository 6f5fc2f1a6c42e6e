/** What data keys are for; each purpose has keys of its own. */
export const DATA_KEY_PURPOSES = ['seal', 'fingerprint', 'token', 'audit'] as const;
export type DataKeyPurpose = (typeof DATA_KEY_PURPOSES)[number];

/** A data key as the database holds it. */
export interface DataKeyRow {
  /** `[a-z0-9]{8,16}` */
  id: string;
  purpose: DataKeyPurpose;
  /**
   * `published`: opens, doesn't seal yet. `primary`: the one that seals, one for each purpose. `superseded`: was primary; opens what is
   * not sealed anew yet. `retired`: opens, and the database takes nothing that is sealed under it.
   */
  state: 'published' | 'primary' | 'superseded' | 'retired';
  wrapped: string;
  masterKeyId: string;
  createdAt: Date;
}

/** Where the keyring keeps its wrapped data keys. */
export abstract class DataKeyStore {
  abstract list(): Promise<DataKeyRow[]>;

  abstract find(id: string): Promise<DataKeyRow | undefined>;

  /** Does nothing when the row's purpose has a primary key already. */
  abstract addPrimaryIfNone(row: DataKeyRow): Promise<void>;
}
