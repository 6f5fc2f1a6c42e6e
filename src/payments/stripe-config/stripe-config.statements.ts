import { APPEND_ON_POSTGRES, ENTRY_PARAMETERS, HEAD, joinHead } from '../../audit/audit.statements.js';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import { type Engine, sql } from '../../database/database.js';
import type { SealedText } from '../../vault/seal.js';
import { CONFIG_CHANNEL } from './config-changes.js';
import type { CredentialKind, StripeMode } from './credential-rules.js';
import type { StoredCredential } from './stripe-config.js';
import { keepFormer, keptList, type KeptSecret } from './webhook-secret.statements.js';

export interface ConfigRow {
  id: string;
  project_id: ProjectId;
  is_active: boolean | number;
  version: number;
  created_at: Date | string;
  updated_at: Date | string;
}

/** Mode, kind, mask, the three fingerprints, whether it looks cut off, when it was written. */
export type CredentialValues = [
  StripeMode,
  CredentialKind,
  mask: string,
  fingerprint: string,
  accountFingerprint: string | null,
  replacedAccountFingerprint: string | null,
  looksCutOff: boolean | number,
  writtenAt: string,
];

/** A configuration and its credentials in one row: six rows of columns cost the drivers several times as much to read. */
export interface ConfigWithCredentialsRow extends ConfigRow {
  /** Text on SQLite. */
  credentials: CredentialValues[] | string | null;
}

const CONFIG = 'c.id, c.project_id, c.is_active, c.version, c.created_at, c.updated_at';
const CREDENTIAL = `k.mode, k.kind, k.mask, k.fingerprint, k.account_fingerprint,
  k.replaced_account_fingerprint, k.looks_cut_off, k.written_at`;
/** Times as the text that SQLite has. */
const CREDENTIAL_LIST = {
  sqlite: `json_group_array(json_array(${CREDENTIAL}))`,
  postgres: `json_agg(json_build_array(${CREDENTIAL.replace('k.written_at', "to_char(k.written_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')")}))`,
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
    'find_stripe_config',
    `SELECT ${CONFIG}, ${currentCredentials(engine)} FROM stripe_configs c WHERE c.project_id = $1`,
  );

const findWithOwner = (engine: Engine) =>
  sql<{ owner_id: OwnerId } & (ConfigWithCredentialsRow | { id: null })>(
    'find_stripe_config_with_owner',
    `SELECT p.owner_id, ${CONFIG}, ${currentCredentials(engine)} FROM projects p
     LEFT JOIN stripe_configs c ON c.project_id = p.id
     WHERE p.id = $1 AND p.deleted_at IS NULL`,
  );

/** $1 project. */
export const FIND = { sqlite: find('sqlite'), postgres: find('postgres') };

/** $1 project. Without a configuration, a row that has only the owner. */
export const FIND_WITH_OWNER = { sqlite: findWithOwner('sqlite'), postgres: findWithOwner('postgres') };

/** $1 project. PostgreSQL delivers it to the other processes on commit. */
export const NOTIFY = sql<never>('notify_of_stripe_config', `SELECT pg_notify('${CONFIG_CHANNEL}', $1::text)`);

/** The parameters of `SAVE_ON_POSTGRES` that follow those of the entry in the history; of these we need the project and the time. */
const [PROJECT, TIME] = ['$1::uuid', '$5::timestamptz'];
const [NEW_ID, CREDENTIALS, FORMER_VALID_UNTIL] = ['uuid', 'json', 'timestamptz'].map(
  (type, index) => `$${ENTRY_PARAMETERS + index + 1}::${type}`,
);
const GIVEN_ON_POSTGRES = `json_to_recordset(${CREDENTIALS}) AS f (mode text, kind text, sealed text, "keyId" text, mask text,
  fingerprint text, "accountFingerprint" text, "looksCutOff" boolean)`;

/**
 * The whole write in one round trip, which is one transaction on PostgreSQL: the entry's values, a new id, the credentials as a JSON
 * array, and until when a webhook secret that one of them replaces stays valid. Everything hangs on `entry`: no row when somebody else
 * changed something of the project since the head was read. Otherwise nobody did, up to the lock on the head, and so what is read as of
 * the statement's start is how it is. Only a rotation of keys may come in between: what is replaced is locked before it is copied.
 */
export const SAVE_ON_POSTGRES = sql<ConfigWithCredentialsRow>(
  'save_stripe_config',
  `WITH ${APPEND_ON_POSTGRES}, c AS (
     ${upsertConfig(`SELECT project_id, ${NEW_ID}, true, 1, ${TIME}, ${TIME} FROM entry`)}
   ), former AS (
     ${keepFormer(`c JOIN stripe_credentials k ON k.project_id = c.project_id JOIN ${GIVEN_ON_POSTGRES}`, String(FORMER_VALID_UNTIL), 'FOR UPDATE OF k')}
     RETURNING slot
   ), written AS (
     INSERT INTO stripe_credentials (${CREDENTIAL_COLUMNS})
     SELECT c.project_id, f.mode, f.kind, 0, f.sealed, f."keyId", f.mask, f.fingerprint, f."accountFingerprint", f."looksCutOff", ${TIME}
     FROM c CROSS JOIN ${GIVEN_ON_POSTGRES} WHERE (SELECT count(*) FROM former) >= 0
     ${REPLACE_CREDENTIAL}
     RETURNING ${CREDENTIAL.replaceAll('k.', '')}
   ), k AS (
     SELECT ${CREDENTIAL.replaceAll('k.', '')} FROM written
     UNION ALL
     SELECT ${CREDENTIAL} FROM stripe_credentials k
     WHERE k.project_id = ${PROJECT} AND k.slot = 0 AND NOT EXISTS (SELECT FROM written w WHERE w.mode = k.mode AND w.kind = k.kind)
   )
   SELECT ${CONFIG}, (SELECT ${CREDENTIAL_LIST.postgres} FROM k) AS credentials FROM c`,
);

/** $1 project, $2 new id, $3 now. */
export const UPSERT_CONFIG_ON_SQLITE = sql<ConfigRow>('', upsertConfig('VALUES ($1, $2, true, 1, $3, $3)'));

/** $1 project, $2 now, $3 the credentials as a JSON array. */
export const UPSERT_CREDENTIALS_ON_SQLITE = sql<never>(
  '',
  `INSERT INTO stripe_credentials (${CREDENTIAL_COLUMNS})
   SELECT $1, f.value ->> 'mode', f.value ->> 'kind', 0, f.value ->> 'sealed', f.value ->> 'keyId', f.value ->> 'mask',
     f.value ->> 'fingerprint', f.value ->> 'accountFingerprint', f.value ->> 'looksCutOff', $2
   FROM json_each($3) f WHERE true
   ${REPLACE_CREDENTIAL}`,
);

/** $1 to $11: the columns. */
export const UPSERT_CREDENTIAL = sql<never>(
  'upsert_stripe_credential',
  `INSERT INTO stripe_credentials (${CREDENTIAL_COLUMNS})
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ${REPLACE_CREDENTIAL}`,
);

/** $1 project, $2 mode, $3 fingerprint. A row when the secret key with this fingerprint is in use. */
export const IS_SECRET_KEY = sql<{ account_fingerprint: string | null }>(
  'is_stripe_secret_key',
  `SELECT k.account_fingerprint FROM stripe_configs c JOIN stripe_credentials k ON k.project_id = c.project_id
   WHERE c.project_id = $1 AND c.is_active AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0 AND k.fingerprint = $3`,
);

/** $1 project, $2 now. */
export const DEACTIVATE = sql<never>(
  'deactivate_stripe_config',
  `UPDATE stripe_configs SET is_active = false, version = version + 1, updated_at = ${LATER('updated_at', '$2')}
   WHERE project_id = $1 AND is_active`,
);

export type DestroyedCredential = Pick<StoredCredential, 'mode' | 'kind' | 'mask'> & { slot: number };

/** $1 project. */
export const DELETE_CREDENTIALS = sql<DestroyedCredential>(
  'delete_stripe_credentials',
  'DELETE FROM stripe_credentials WHERE project_id = $1 RETURNING mode, kind, mask, slot',
);

/** $1 project, $2 mode. */
export const DELETE_MODE = sql<DestroyedCredential>(
  'delete_stripe_credentials_of_mode',
  'DELETE FROM stripe_credentials WHERE project_id = $1 AND mode = $2 RETURNING mode, kind, mask, slot',
);

type StateRow = Pick<ConfigRow, 'version' | 'is_active'>;

/** $1 project. No row: there never was a configuration. */
export const FIND_STATE = sql<StateRow>('find_stripe_config_state', 'SELECT version, is_active FROM stripe_configs WHERE project_id = $1');

type LiveStateRow = StateRow | { version: null };

/** $1 project. No row: no live project. */
export const FIND_LIVE_STATE = sql<LiveStateRow>(
  'find_live_stripe_config_state',
  `SELECT c.version, c.is_active FROM projects p LEFT JOIN stripe_configs c ON c.project_id = p.id
   WHERE p.id = $1 AND p.deleted_at IS NULL`,
);

const findSeen = (keptSecrets: string) =>
  sql<LiveStateRow & { owner_id: OwnerId; audit_seq: number | null; audit_mac: string; kept_secrets: KeptSecret[] | null }>(
    'find_seen_stripe_config',
    `SELECT p.owner_id, c.version, c.is_active, ${HEAD}, ${keptSecrets} AS kept_secrets
     FROM projects p LEFT JOIN stripe_configs c ON c.project_id = p.id
     ${joinHead('p.id')} WHERE p.id = $1 AND p.deleted_at IS NULL`,
  );

/** $1 project. The same, whose it is, the end of its history, and on PostgreSQL its webhook secrets. */
export const FIND_SEEN = { sqlite: findSeen('NULL'), postgres: findSeen(keptList('p.id')) };

/** $1 project, $2 now. */
export const RAISE_VERSION = sql<never>(
  'raise_stripe_config_version',
  `UPDATE stripe_configs SET version = version + 1, updated_at = ${LATER('updated_at', '$2')} WHERE project_id = $1`,
);

/** $1 project. For a change that nobody made: no time moves. */
export const RAISE_VERSION_ALONE = sql<{ version: number }>(
  'raise_stripe_config_version_alone',
  'UPDATE stripe_configs SET version = version + 1 WHERE project_id = $1 RETURNING version',
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
  'find_stripe_secret_key',
  `SELECT c.is_active, c.version, k.sealed, k.fingerprint, k.account_fingerprint FROM projects p
   LEFT JOIN stripe_configs c ON c.project_id = p.id
   LEFT JOIN stripe_credentials k ON k.project_id = c.project_id AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0
   WHERE p.id = $1 AND p.deleted_at IS NULL`,
);
