import { APPEND_ON_POSTGRES, ENTRY_AS_RECORD, type EntryRow, HEAD, joinHead } from '../../audit/audit.statements.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { type Engine, sql } from '../../database/database.js';
import type { SealedText } from '../../vault/seal.js';
import { CONFIG_CHANNEL } from './config-changes.js';
import type { CredentialKind, StripeMode } from './credential-rules.js';
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
const LATER = (column: string, time: string) => `CASE WHEN ${column} > ${time} THEN ${column} ELSE ${time} END`;

const CREDENTIAL_COLUMNS =
  'project_id, mode, kind, slot, sealed, key_id, mask, fingerprint, account_fingerprint, looks_cut_off, written_at';
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

/** Makes the configuration active, and newer. @param source of project, new id, `true`, 1 and twice the time */
const upsertConfig = (source: string) => `
  INSERT INTO stripe_configs AS c (project_id, id, is_active, version, created_at, updated_at) ${source}
  ON CONFLICT (project_id) DO UPDATE SET is_active = true, version = c.version + 1,
    updated_at = ${LATER('c.updated_at', 'excluded.updated_at')}
  RETURNING ${CONFIG.replaceAll('c.', '')}`;

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
export const NOTIFY = sql<never>(`SELECT pg_notify('${CONFIG_CHANNEL}', $1::text)`, 'notify_of_stripe_config');

/** One write for `SAVE_ON_POSTGRES`. */
export interface GivenSave extends EntryRow {
  /** Of this write alone, and the configuration's where there is none yet. */
  readonly new_id: string;
  readonly credentials: readonly SealedCredential[];
}

/** The configuration after the write that came with `new_id`, with those of its credentials that were written. */
export type SavedRow = ConfigWithCredentialsRow & { new_id: string };

/** The rows of a JSON array of `SealedCredential`. */
export const credentialsIn = (json: string) =>
  `json_to_recordset(${json}) AS f (mode text, kind text, sealed text, "keyId" text, mask text,
   fingerprint text, "accountFingerprint" text, "looksCutOff" boolean)`;

/**
 * Writes of different projects in one round trip, which is one transaction on PostgreSQL. $1 is a JSON array of `GivenSave`. Everything
 * hangs on `entry`: no row when somebody else changed something of the project since the head was read, or is about to. Otherwise nobody
 * did, up to the lock on the head, and so what was read with the head is how it is. No webhook secret may be replaced by another one.
 */
export const SAVE_ON_POSTGRES = sql<SavedRow>(
  `WITH given AS (
     SELECT DISTINCT ON (project_id) * FROM json_to_recordset($1::json) AS given (${ENTRY_AS_RECORD}, new_id uuid, credentials json)
     ORDER BY project_id
   ), ${APPEND_ON_POSTGRES}, c AS (
     ${upsertConfig('SELECT project_id, new_id, true, 1, at, at FROM given WHERE project_id IN (SELECT project_id FROM entry)')}
   ), k AS (
     INSERT INTO stripe_credentials (${CREDENTIAL_COLUMNS})
     SELECT project_id, f.mode, f.kind, 0, f.sealed, f."keyId", f.mask, f.fingerprint, f."accountFingerprint", f."looksCutOff", at
     FROM given CROSS JOIN ${credentialsIn('credentials')}
     WHERE project_id IN (SELECT project_id FROM c)
     ${REPLACE_CREDENTIAL}
     RETURNING project_id, ${CREDENTIAL.replaceAll('k.', '')}
   )
   SELECT new_id, ${CONFIG}, (SELECT ${CREDENTIAL_LIST.postgres} FROM k WHERE k.project_id = c.project_id) AS credentials
   FROM c JOIN given USING (project_id)`,
  'save_stripe_configs',
);

/** $1 project, $2 new id, $3 now. */
export const UPSERT_CONFIG_ON_SQLITE = sql<ConfigRow>(upsertConfig('VALUES ($1, $2, true, 1, $3, $3)'));

/** $1 project, $2 now, $3 the credentials as a JSON array. */
export const UPSERT_CREDENTIALS_ON_SQLITE = sql<never>(
  `INSERT INTO stripe_credentials (${CREDENTIAL_COLUMNS})
   SELECT $1, f.value ->> 'mode', f.value ->> 'kind', 0, f.value ->> 'sealed', f.value ->> 'keyId', f.value ->> 'mask',
     f.value ->> 'fingerprint', f.value ->> 'accountFingerprint', f.value ->> 'looksCutOff', $2
   FROM json_each($3) f WHERE true
   ${REPLACE_CREDENTIAL}`,
);

/** $1 to $11: the columns. */
export const UPSERT_CREDENTIAL = sql<never>(
  `INSERT INTO stripe_credentials (${CREDENTIAL_COLUMNS})
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ${REPLACE_CREDENTIAL}`,
  'upsert_stripe_credential',
);

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
  `UPDATE stripe_configs SET is_active = false, version = version + 1, updated_at = ${LATER('updated_at', '$2')}
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

type StateRow = Pick<ConfigRow, 'version' | 'is_active'>;

/** $1 project. No row: there never was a configuration. */
export const FIND_STATE = sql<StateRow>('SELECT version, is_active FROM stripe_configs WHERE project_id = $1', 'find_stripe_config_state');

type LiveStateRow = StateRow | { version: null };

/** $1 project. No row: no live project. */
export const FIND_LIVE_STATE = sql<LiveStateRow>(
  `SELECT c.version, c.is_active FROM projects p LEFT JOIN stripe_configs c ON c.project_id = p.id
   WHERE p.id = $1 AND p.deleted_at IS NULL`,
  'find_live_stripe_config_state',
);

export type SeenRow = LiveStateRow & {
  id: ProjectId;
  owner_id: OwnerId;
  audit_seq: number | null;
  audit_mac: string;
  credentials: CredentialValues[] | null;
};

const seen = (id: string, credentials: string) =>
  `SELECT p.id, p.owner_id, c.version, c.is_active, ${HEAD}, ${credentials}
   FROM projects p LEFT JOIN stripe_configs c ON c.project_id = p.id
   ${joinHead('p.id')} WHERE p.id = ${id} AND p.deleted_at IS NULL`;

/**
 * The same, whose it is, the end of its history, and on PostgreSQL its credentials. There $1 is an array of projects, each looked up by
 * itself (`LIMIT`): joined as a whole, tables would be read from end to end when PostgreSQL believes them to be small.
 */
export const FIND_SEEN = {
  sqlite: sql<SeenRow>(seen('$1', 'NULL AS credentials')),
  postgres: sql<SeenRow>(
    `SELECT seen.* FROM unnest($1::uuid[]) AS given (id)
     CROSS JOIN LATERAL (${seen('given.id', currentCredentials('postgres'))} LIMIT 1) AS seen`,
    'find_seen_stripe_configs',
  ),
};

/** $1 project, $2 now. */
export const RAISE_VERSION = sql<never>(
  `UPDATE stripe_configs SET version = version + 1, updated_at = ${LATER('updated_at', '$2')} WHERE project_id = $1`,
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
