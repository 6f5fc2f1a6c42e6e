import type { OwnerId, ProjectId } from '../../common/ids.js';
import { type Engine, sql, type SqlValue } from '../../database/database.js';
import type { SealedText } from '../../vault/seal/seal.js';
import { CONFIG_CHANNEL } from './config-cache.js';
import type { StripeMode } from '../stripe/stripe-mode.js';
import type { CredentialKind } from './credential-rules.js';
import type { SealedCredential, StoredCredential } from './stripe-config.js';

export interface ConfigRow {
  id: string;
  project_id: ProjectId;
  is_active: boolean | number;
  version: number;
  created_at: Date | string;
  updated_at: Date | string;
}

/** Mode, kind, mask, the three fingerprints, whether it looks cut off, when it was written, whether a sibling project shares its account. */
export type CredentialValues = [
  StripeMode,
  CredentialKind,
  mask: string,
  fingerprint: string,
  accountFingerprint: string | null,
  replacedAccountFingerprint: string | null,
  looksCutOff: boolean | number,
  writtenAt: string,
  sharesAccount?: boolean | number,
];

/** A configuration and its credentials in one row: six rows of columns cost the drivers several times as much to read. */
export interface ConfigWithCredentialsRow extends ConfigRow {
  /** Text on SQLite. */
  credentials: CredentialValues[] | string | null;
}

const CONFIG = 'c.id, c.project_id, c.is_active, c.version, c.created_at, c.updated_at';
const CREDENTIAL = `k.mode, k.kind, k.mask, k.fingerprint, k.account_fingerprint,
  k.replaced_account_fingerprint, k.looks_cut_off, k.written_at`;
/** The current secret keys of other live projects that belong to the same owner and, as Stripe said, to the same account in the same mode. */
const sharingAccount = (key: string) => `FROM stripe_key_accounts mine
  JOIN stripe_key_accounts theirs
    ON theirs.account_id = mine.account_id AND theirs.mode = mine.mode AND theirs.project_id <> mine.project_id
  JOIN stripe_credentials other ON other.project_id = theirs.project_id AND other.mode = theirs.mode
    AND other.kind = 'secret_key' AND other.slot = 0 AND other.fingerprint = theirs.fingerprint
  JOIN projects p ON p.id = theirs.project_id AND p.deleted_at IS NULL
  JOIN projects me ON me.id = mine.project_id AND me.owner_id = p.owner_id
  WHERE mine.project_id = ${key}.project_id AND mine.mode = ${key}.mode AND mine.fingerprint = ${key}.fingerprint`;
const SHARES_ACCOUNT = `CASE WHEN k.kind = 'secret_key' THEN EXISTS (SELECT 1 ${sharingAccount('k')}) ELSE false END`;
/** Times as the text that SQLite has. */
const CREDENTIAL_LIST = {
  sqlite: `json_group_array(json_array(${CREDENTIAL}, ${SHARES_ACCOUNT}))`,
  postgres: `json_agg(json_build_array(${CREDENTIAL.replace('k.written_at', "to_char(k.written_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')")}, ${SHARES_ACCOUNT}))`,
};
/** Times never move back, even if the clock does. */
const laterOf = (column: string, time: string) =>
  `CASE WHEN ${column} > ${time} THEN ${column} ELSE ${time} END`;

/**
 * The account in use before is forgotten when a key of it is put back, and when one of the new account is rolled, which settles the move.
 * A key that Stripe never took was never in use.
 */
const REPLACE_CREDENTIAL = `ON CONFLICT (project_id, mode, kind, slot) DO UPDATE SET
  replaced_account_fingerprint = CASE
    WHEN stripe_credentials.fingerprint = excluded.fingerprint OR stripe_credentials.known_to_stripe IS FALSE
      THEN stripe_credentials.replaced_account_fingerprint
    WHEN excluded.account_fingerprint IN (stripe_credentials.account_fingerprint, stripe_credentials.replaced_account_fingerprint) THEN NULL
    ELSE COALESCE(stripe_credentials.replaced_account_fingerprint, stripe_credentials.account_fingerprint) END,
  known_to_stripe = CASE WHEN stripe_credentials.fingerprint = excluded.fingerprint THEN stripe_credentials.known_to_stripe END,
  made_with = CASE WHEN stripe_credentials.fingerprint = excluded.fingerprint THEN stripe_credentials.made_with END,
  replacements = stripe_credentials.replacements + CASE WHEN stripe_credentials.fingerprint = excluded.fingerprint THEN 0 ELSE 1 END,
  sealed = excluded.sealed, key_id = excluded.key_id,
  mask = excluded.mask, fingerprint = excluded.fingerprint,
  account_fingerprint = COALESCE(excluded.account_fingerprint,
    CASE WHEN stripe_credentials.fingerprint = excluded.fingerprint THEN stripe_credentials.account_fingerprint END),
  looks_cut_off = excluded.looks_cut_off, written_at = excluded.written_at`;

/** $1 project, $2 id of a new configuration, $3 now. Activates the configuration and raises its version. */
export const UPSERT_CONFIG = sql<never>(
  `INSERT INTO stripe_configs AS c (project_id, id, is_active, version, created_at, updated_at) VALUES ($1, $2, true, 1, $3, $3)
   ON CONFLICT (project_id) DO UPDATE SET is_active = true, version = c.version + 1,
     updated_at = ${laterOf('c.updated_at', 'excluded.updated_at')}`,
  'upsert_stripe_config',
);

const currentCredentials = (engine: Engine) =>
  `(SELECT ${CREDENTIAL_LIST[engine]} FROM stripe_credentials k WHERE k.project_id = c.project_id AND k.slot = 0) AS credentials`;

const find = (engine: Engine) =>
  sql<ConfigWithCredentialsRow>(
    `SELECT ${CONFIG}, ${currentCredentials(engine)} FROM stripe_configs c WHERE c.project_id = $1`,
    'find_stripe_config',
  );

const findWithOwner = (engine: Engine) =>
  sql<{ owner_id: OwnerId } & (ConfigWithCredentialsRow | { id: null })>(
    `SELECT p.owner_id, ${CONFIG}, ${currentCredentials(engine)} FROM projects p
     LEFT JOIN stripe_configs c ON c.project_id = p.id
     WHERE p.id = $1 AND p.deleted_at IS NULL`,
    'find_stripe_config_with_owner',
  );

/** $1 project. */
export const FIND = { sqlite: find('sqlite'), postgres: find('postgres') };

/** $1 project. Without a configuration, a row that has only the owner. */
export const FIND_WITH_OWNER = { sqlite: findWithOwner('sqlite'), postgres: findWithOwner('postgres') };

/** $1 project. PostgreSQL delivers it to the other processes on commit. */
export const NOTIFY = sql<never>(
  `SELECT pg_notify('${CONFIG_CHANNEL}', $1::text)`,
  'notify_of_stripe_config',
);

/** See `credentialValues`. */
export const UPSERT_CREDENTIAL = sql<never>(
  `INSERT INTO stripe_credentials
     (project_id, mode, kind, slot, sealed, key_id, mask, fingerprint, account_fingerprint, looks_cut_off, written_at)
   VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10) ${REPLACE_CREDENTIAL}`,
  'upsert_stripe_credential',
);

/** The parameters of `UPSERT_CREDENTIAL`. */
export function credentialValues(projectId: ProjectId, credential: SealedCredential, at: Date): SqlValue[] {
  const { mode, kind, sealed, keyId, mask, fingerprint, accountFingerprint, looksCutOff } = credential;
  return [projectId, mode, kind, sealed, keyId, mask, fingerprint, accountFingerprint, looksCutOff, at];
}

/** $1 project, $2 mode, $3 fingerprint of the secret key that made the endpoint of the stored webhook secret. */
export const SET_MADE_WITH = sql<never>(
  `UPDATE stripe_credentials SET made_with = $3 WHERE project_id = $1 AND mode = $2 AND kind = 'webhook_secret' AND slot = 0`,
  'set_key_of_stripe_webhook_secret',
);

/** $1 project, $2 mode, $3 fingerprint. A row when the secret key with this fingerprint is in use. */
export const IS_SECRET_KEY = sql<{ account_fingerprint: string | null }>(
  `SELECT k.account_fingerprint FROM stripe_configs c JOIN stripe_credentials k ON k.project_id = c.project_id
   WHERE c.project_id = $1 AND c.is_active AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0 AND k.fingerprint = $3`,
  'is_stripe_secret_key',
);

/** $1 project, $2 now. */
export const DEACTIVATE = sql<never>(
  `UPDATE stripe_configs SET is_active = false, version = version + 1, updated_at = ${laterOf('updated_at', '$2')}
   WHERE project_id = $1 AND is_active`,
  'deactivate_stripe_config',
);

export type DestroyedCredential = Pick<StoredCredential, 'mode' | 'kind' | 'mask'> & { slot: number };

/** $1 project. */
export const DELETE_CREDENTIALS = sql<DestroyedCredential>(
  'DELETE FROM stripe_credentials WHERE project_id = $1 RETURNING mode, kind, mask, slot',
  'delete_stripe_credentials',
);

/** $1 project, $2 mode. */
export const DELETE_MODE = sql<DestroyedCredential>(
  'DELETE FROM stripe_credentials WHERE project_id = $1 AND mode = $2 RETURNING mode, kind, mask, slot',
  'delete_stripe_credentials_of_mode',
);

export type StateRow = Pick<ConfigRow, 'version' | 'is_active'>;

/** $1 project. No row: there never was a configuration. */
export const FIND_STATE = sql<StateRow>(
  'SELECT version, is_active FROM stripe_configs WHERE project_id = $1',
  'find_stripe_config_state',
);

type LiveStateRow = StateRow | { version: null };

/** $1 project. No row: no live project. */
export const FIND_LIVE_STATE = sql<LiveStateRow>(
  `SELECT c.version, c.is_active FROM projects p LEFT JOIN stripe_configs c ON c.project_id = p.id
   WHERE p.id = $1 AND p.deleted_at IS NULL`,
  'find_live_stripe_config_state',
);

/** $1 project, $2 now. */
export const RAISE_VERSION = sql<never>(
  `UPDATE stripe_configs SET version = version + 1, updated_at = ${laterOf('updated_at', '$2')} WHERE project_id = $1`,
  'raise_stripe_config_version',
);

/** $1 project. For a change that nobody made: no time moves. */
export const RAISE_VERSION_ALONE = sql<{ version: number }>(
  'UPDATE stripe_configs SET version = version + 1 WHERE project_id = $1 RETURNING version',
  'raise_stripe_config_version_alone',
);

/** $1 project, $2 mode. The projects that get the warning `account_shared` when this one does. */
export const RAISE_VERSIONS_OF_SHARING = sql<{ project_id: ProjectId }>(
  `UPDATE stripe_configs SET version = version + 1 WHERE project_id IN (
     SELECT theirs.project_id ${sharingAccount('k').replace(
       'WHERE',
       `JOIN stripe_credentials k
       ON k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0 WHERE`,
     )})
   RETURNING project_id`,
  'raise_versions_of_sharing_stripe_configs',
);

export interface SecretKeyRow {
  is_active: boolean | number | null;
  version: number;
  sealed: SealedText | null;
  fingerprint: string;
  account_fingerprint: string | null;
}

/** $1 project, $2 mode. No row: no live project. `is_active` is `null` without a configuration, `sealed` without that mode's secret key. */
export const FIND_SECRET_KEY = sql<SecretKeyRow>(
  `SELECT c.is_active, c.version, k.sealed, k.fingerprint, k.account_fingerprint FROM projects p
   LEFT JOIN stripe_configs c ON c.project_id = p.id
   LEFT JOIN stripe_credentials k ON k.project_id = c.project_id AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0
   WHERE p.id = $1 AND p.deleted_at IS NULL`,
  'find_stripe_secret_key',
);
