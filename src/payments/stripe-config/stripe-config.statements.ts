import type { OwnerId, ProjectId } from '../../common/ids.js';
import {
  columnNames,
  columnReader,
  columns,
  excludedColumns,
  type JsonColumn,
  jsonRows,
  type RowOf,
} from '../../database/columns.js';
import { exec, sql, type Steps } from '../../database/database.js';
import type { Dialect } from '../../database/dialect.js';
import { CREDENTIAL_RULES } from './credential-rules.js';
import type { SealedCredential } from './credential-sealer.js';
import { type ConfigState, SHOWN_COLUMNS, type StripeConfig } from './stripe-config.js';
import { StripeConfigEntity, StripeCredentialEntity } from './stripe-config.entities.js';

type CredentialRow = RowOf<StripeCredentialEntity>;
type ConfigRow = RowOf<StripeConfigEntity> & { readonly credentials: JsonColumn };

/** Expression for the owner of a live project. Being a subquery, it keeps the planner from reading all projects. */
const ownerOf = (project: string) =>
  `(SELECT owner_id FROM projects WHERE id = ${project} AND deleted_at IS NULL)`;

/** Secret keys of the owner's other live projects with an equal account and mode, as reported by Stripe. */
const sharingAccount = (key: string, { join = '' } = {}) => `FROM stripe_key_accounts mine
  JOIN stripe_key_accounts theirs
    ON theirs.account_id = mine.account_id AND theirs.mode = mine.mode AND theirs.project_id <> mine.project_id
  JOIN stripe_credentials other ON other.project_id = theirs.project_id AND other.mode = theirs.mode
    AND other.kind = 'secret_key' AND other.slot = 0 AND other.fingerprint = theirs.fingerprint ${join}
  WHERE mine.project_id = ${key}.project_id AND mine.mode = ${key}.mode AND mine.fingerprint = ${key}.fingerprint
    AND ${ownerOf('theirs.project_id')} = ${ownerOf('mine.project_id')}`;

const CREDENTIALS = jsonRows(StripeCredentialEntity, {
  of: 'k',
  only: SHOWN_COLUMNS,
  flags: {
    sharesAccount: `CASE WHEN k.kind = 'secret_key' THEN EXISTS (SELECT 1 ${sharingAccount('k')}) ELSE false END`,
  },
});

const configWithCredentials = (dialect: Dialect) =>
  `${columns(StripeConfigEntity, { of: 'c' })}, (SELECT ${CREDENTIALS.select(dialect)}
     FROM stripe_credentials k WHERE k.project_id = c.project_id AND k.slot = 0) AS credentials`;

/** $1 project. */
export const FIND = sql<ConfigRow>(
  (dialect) => `SELECT ${configWithCredentials(dialect)} FROM stripe_configs c WHERE c.project_id = $1`,
  'find_stripe_config',
);

export function toConfig({ credentials, ...config }: ConfigRow): StripeConfig {
  return { ...config, credentials: CREDENTIALS.parse(credentials) };
}

type State = Pick<RowOf<StripeConfigEntity>, 'version' | 'isActive'>;
/** `version` is `null` if there never was a configuration. */
type StateRow = State | { version: null };

const STATE = columns(StripeConfigEntity, { of: 'c', only: ['version', 'isActive'] });

/** $1 project. Returns no row without a live project. */
export const FIND_WITH_OWNER = sql<{ ownerId: OwnerId; sharesAccount: boolean } & StateRow>(
  `SELECT p.owner_id AS "ownerId", ${STATE},
     EXISTS (SELECT 1 ${sharingAccount('k', {
       join: `JOIN stripe_credentials k ON k.project_id = p.id AND k.kind = 'secret_key' AND k.slot = 0`,
     })}) AS "sharesAccount"
   FROM projects p LEFT JOIN stripe_configs c ON c.project_id = p.id
   WHERE p.id = $1 AND p.deleted_at IS NULL`,
  'find_stripe_config_state_with_owner',
  { computed: { sharesAccount: Boolean } },
);

/** The field of a current credential, and the fingerprint of its value. */
export type CurrentCredential = Pick<CredentialRow, 'mode' | 'kind' | 'fingerprint'>;

/** $1 project. `isAccepted` is whether Stripe accepted the value last, as a secret key. */
export const FIND_CURRENT = sql<CurrentCredential & { readonly isAccepted: boolean }>(
  `SELECT ${columns(StripeCredentialEntity, { of: 'k', only: ['mode', 'kind', 'fingerprint'] })},
     EXISTS (SELECT 1 FROM stripe_key_checks h WHERE h.project_id = k.project_id AND h.mode = k.mode
       AND h.fingerprint = k.fingerprint AND h.valid) AS "isAccepted"
   FROM stripe_credentials k WHERE k.project_id = $1 AND k.slot = 0`,
  'find_current_stripe_credentials',
  { computed: { isAccepted: Boolean } },
);

/** $1 project. */
export const FIND_STATE = sql<{ deletedAt: Date | null } & StateRow>(
  `SELECT p.deleted_at AS "deletedAt", ${STATE}
   FROM projects p LEFT JOIN stripe_configs c ON c.project_id = p.id WHERE p.id = $1`,
  'find_stripe_config_state',
);

export function stateOf(row: StateRow): ConfigState {
  return row.version === null ? undefined : { version: row.version, isActive: row.isActive };
}

/** Keeps times from moving back with the clock. */
const laterOf = (column: string, time: string) =>
  `CASE WHEN ${column} > ${time} THEN ${column} ELSE ${time} END`;

/** $1 project, $2 id of a new configuration, $3 now. Activates the configuration and raises its version. */
export const UPSERT_CONFIG = sql<never>(
  `INSERT INTO stripe_configs AS c (project_id, id, is_active, version, created_at, updated_at) VALUES ($1, $2, true, 1, $3, $3)
   ON CONFLICT (project_id) DO UPDATE SET is_active = true, version = c.version + 1,
     updated_at = ${laterOf('c.updated_at', 'excluded.updated_at')}`,
  'upsert_stripe_config',
);

/** $1 project, $2 now. */
export const RAISE_VERSION = sql<never>(
  `UPDATE stripe_configs SET version = version + 1, updated_at = ${laterOf('updated_at', '$2')} WHERE project_id = $1`,
  'raise_stripe_config_version',
);

/** $1 project. For changed warnings: `updated_at` stays, because nobody changed the configuration. */
export const RAISE_VERSION_ALONE = sql<{ version: number }>(
  'UPDATE stripe_configs SET version = version + 1 WHERE project_id = $1 RETURNING version',
  'raise_stripe_config_version_alone',
);

/** $1 project, $2 now. */
export const DEACTIVATE = sql<never>(
  `UPDATE stripe_configs SET is_active = false, version = version + 1, updated_at = ${laterOf('updated_at', '$2')}
   WHERE project_id = $1 AND is_active`,
  'deactivate_stripe_config',
);

const WRITTEN = [
  'projectId',
  'mode',
  'kind',
  'slot',
  'sealed',
  'keyId',
  'mask',
  'fingerprint',
  'accountFingerprint',
  'looksCutOff',
  'writtenAt',
] as const satisfies (keyof CredentialRow)[];

const valuesOf = columnReader(StripeCredentialEntity, WRITTEN);

const sameValue = 'k.fingerprint = excluded.fingerprint';

const rowOf = (row: number) =>
  `(${WRITTEN.map((_, column) => `$${row * WRITTEN.length + column + 1}`).join(', ')})`;

/**
 * One statement for each number of credentials. Keeps the account of a replaced key, unless Stripe refused that key.
 * Clears it when a second key of the old or the new account is stored.
 */
const UPSERTS = CREDENTIAL_RULES.map((_, index) => {
  const count = index + 1;
  return sql<never>(
    `INSERT INTO stripe_credentials AS k (${columnNames(StripeCredentialEntity, WRITTEN)})
   VALUES ${Array.from({ length: count }, (__, row) => rowOf(row)).join(', ')}
   ON CONFLICT (project_id, mode, kind, slot) DO UPDATE SET
     replaced_account_fingerprint = CASE
       WHEN ${sameValue} OR k.known_to_stripe IS FALSE THEN k.replaced_account_fingerprint
       WHEN excluded.account_fingerprint IN (k.account_fingerprint, k.replaced_account_fingerprint) THEN NULL
       ELSE COALESCE(k.replaced_account_fingerprint, k.account_fingerprint) END,
     account_fingerprint = COALESCE(excluded.account_fingerprint, CASE WHEN ${sameValue} THEN k.account_fingerprint END),
     known_to_stripe = CASE WHEN ${sameValue} THEN k.known_to_stripe END,
     made_with = CASE WHEN ${sameValue} THEN k.made_with END,
     replacements = k.replacements + CASE WHEN ${sameValue} THEN 0 ELSE 1 END,
     ${excludedColumns(StripeCredentialEntity, ['sealed', 'keyId', 'mask', 'fingerprint', 'looksCutOff', 'writtenAt'])}`,
    `upsert_${count}_stripe_credentials`,
    { destroys: 'soon' },
  );
});

/** Stores credentials of different fields in one statement. */
export function* upsertCredentials(
  projectId: ProjectId,
  credentials: readonly SealedCredential[],
  writtenAt: Date,
): Steps<void> {
  const statement = UPSERTS[credentials.length - 1];
  if (!statement) return;
  const values = credentials.flatMap((credential) =>
    valuesOf({ ...credential, projectId, slot: 0, writtenAt }),
  );
  yield* exec(statement, values);
}

/** $1 project, $2 mode, $3 fingerprint of the secret key that created the endpoint. */
export const SET_MADE_WITH = sql<never>(
  `UPDATE stripe_credentials SET made_with = $3 WHERE project_id = $1 AND mode = $2 AND kind = 'webhook_secret' AND slot = 0`,
  'set_key_of_stripe_webhook_secret',
);

/** $1 project, $2 mode, $3 fingerprint. Returns a row if this secret key is in use. */
export const IS_SECRET_KEY = sql<Pick<CredentialRow, 'accountFingerprint'>>(
  `SELECT ${columns(StripeCredentialEntity, { of: 'k', only: ['accountFingerprint'] })}
   FROM stripe_configs c JOIN stripe_credentials k ON k.project_id = c.project_id
   WHERE c.project_id = $1 AND c.is_active AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0 AND k.fingerprint = $3`,
  'is_stripe_secret_key',
);

const SECRET_KEY = ['sealed', 'fingerprint', 'accountFingerprint'] as const satisfies (keyof CredentialRow)[];

/** `isActive` is `null` without a configuration, `sealed` without a secret key. */
type SecretKeyRow =
  { isActive: null } | (State & (Pick<CredentialRow, (typeof SECRET_KEY)[number]> | { sealed: null }));

/** $1 project, $2 mode. Returns no row without a live project. */
export const FIND_SECRET_KEY = sql<SecretKeyRow>(
  `SELECT ${columns(StripeConfigEntity, { of: 'c', only: ['version', 'isActive'] })},
     ${columns(StripeCredentialEntity, { of: 'k', only: SECRET_KEY })} FROM projects p
   LEFT JOIN stripe_configs c ON c.project_id = p.id
   LEFT JOIN stripe_credentials k ON k.project_id = c.project_id AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0
   WHERE p.id = $1 AND p.deleted_at IS NULL`,
  'find_stripe_secret_key',
);

export type DestroyedCredential = Pick<CredentialRow, 'mode' | 'kind' | 'mask' | 'slot'>;

const DESTROYED = columns(StripeCredentialEntity, { only: ['mode', 'kind', 'mask', 'slot'] });

/** $1 project. */
export const DELETE_CREDENTIALS = sql<DestroyedCredential>(
  `DELETE FROM stripe_credentials WHERE project_id = $1 RETURNING ${DESTROYED}`,
  'delete_stripe_credentials',
  { destroys: true },
);

/** $1 project, $2 mode. */
export const DELETE_MODE = sql<DestroyedCredential>(
  `DELETE FROM stripe_credentials WHERE project_id = $1 AND mode = $2 RETURNING ${DESTROYED}`,
  'delete_stripe_credentials_of_mode',
  { destroys: true },
);

/** $1 project, $2 mode, $3 fingerprint. */
export const DELETE_WEBHOOK_SECRET = sql<DestroyedCredential>(
  `DELETE FROM stripe_credentials
   WHERE project_id = $1 AND mode = $2 AND kind = 'webhook_secret' AND fingerprint = $3 RETURNING ${DESTROYED}`,
  'delete_stripe_webhook_secret',
  { destroys: true },
);

/** Limits the former secrets of a mode: each costs a signature check per event, even for forged events. */
const MAX_FORMER_SECRETS = 9;

/** Slot of the next former secret, which evicts the slot's present secret. */
const nextSlot = (current: string) => `1 + ${current}.replacements % ${MAX_FORMER_SECRETS}`;

const COPIED = [
  'sealed',
  'keyId',
  'mask',
  'fingerprint',
  'looksCutOff',
  'writtenAt',
  'madeWith',
] as const satisfies (keyof CredentialRow)[];
const COPIED_NAMES = columnNames(StripeCredentialEntity, COPIED);

/**
 * $1 project, $2 end of the overlap, $3 mode, $4 fingerprint of the successor. Copies the current webhook
 * secret to the next slot, which evicts the oldest secret. If the successor is a former secret, its slot is
 * used.
 */
export const KEEP_FORMER = sql<never>(
  `INSERT INTO stripe_credentials (project_id, mode, kind, valid_until, slot, ${COPIED_NAMES})
   SELECT k.project_id, k.mode, k.kind, $2,
     COALESCE(
       (SELECT min(s.slot) FROM stripe_credentials s
        WHERE s.project_id = k.project_id AND s.mode = k.mode AND s.kind = k.kind AND s.slot > 0 AND s.fingerprint = $4),
       ${nextSlot('k')}
     ), ${COPIED_NAMES}
   FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $3 AND k.kind = 'webhook_secret' AND k.slot = 0 AND k.fingerprint <> $4
   ON CONFLICT (project_id, mode, kind, slot) DO UPDATE SET valid_until = excluded.valid_until,
     ${excludedColumns(StripeCredentialEntity, COPIED)}`,
  'keep_former_stripe_webhook_secret',
  { destroys: true },
);

/** $1 project, $2 mode. */
export const DELETE_FORMER = sql<never>(
  'DELETE FROM stripe_credentials WHERE project_id = $1 AND mode = $2 AND slot > 0',
  'delete_former_stripe_webhook_secrets',
  { destroys: true },
);

/** A webhook secret, current (slot 0) or former, with the slot that is evicted next. */
export type StoredWebhookSecret = DestroyedCredential &
  Pick<CredentialRow, 'fingerprint'> & { readonly nextSlot: number | null };

/** $1 project. Locks the rows, because a key rotation could reseal them before the copy. */
export const LOCK_WEBHOOK_SECRETS = sql<StoredWebhookSecret>(
  ({ rowLock }) =>
    `SELECT ${columns(StripeCredentialEntity, { of: 'k', only: ['mode', 'kind', 'mask', 'slot', 'fingerprint'] })},
       ${nextSlot('current')} AS "nextSlot" FROM stripe_credentials k
     LEFT JOIN stripe_credentials current
       ON current.project_id = k.project_id AND current.mode = k.mode AND current.kind = k.kind AND current.slot = 0
     WHERE k.project_id = $1 AND k.kind = 'webhook_secret' ORDER BY k.mode, k.slot ${rowLock({ of: 'k' })}`,
  'lock_stripe_webhook_secrets',
);

/** Projects in one batch of the sweep. */
export const SWEEP_BATCH = 500;

/** $1 now. */
export const FIND_EXPIRED = sql<Pick<CredentialRow, 'projectId'>>(
  `SELECT DISTINCT ${columns(StripeCredentialEntity, { only: ['projectId'] })} FROM stripe_credentials
   WHERE valid_until <= $1 LIMIT ${SWEEP_BATCH}`,
  'find_expired_stripe_webhook_secrets',
);

/** $1 project, $2 now. */
export const DELETE_EXPIRED = sql<DestroyedCredential>(
  `DELETE FROM stripe_credentials WHERE project_id = $1 AND valid_until <= $2 RETURNING ${DESTROYED}`,
  'delete_expired_stripe_webhook_secrets',
  { destroys: true },
);

/**
 * Whether the key with the fingerprint in `column` is of another account than the stored secret key. False if
 * Stripe reported no account for one of them.
 * @param of alias of a row with `project_id` and `mode`
 */
export const isOfOtherAccount = (
  of: string,
  column: string,
) => `EXISTS (SELECT 1 FROM stripe_key_accounts former
  JOIN stripe_credentials stored ON stored.project_id = former.project_id AND stored.mode = former.mode
    AND stored.kind = 'secret_key' AND stored.slot = 0
  JOIN stripe_key_accounts present ON present.project_id = stored.project_id AND present.mode = stored.mode
    AND present.fingerprint = stored.fingerprint
  WHERE former.project_id = ${of}.project_id AND former.mode = ${of}.mode AND former.fingerprint = ${of}.${column}
    AND present.account_id <> former.account_id)`;

/** `isActive` is `null` without a configuration. */
type WebhookSecretRow = { readonly isActive: boolean | null } & (
  | { readonly sealed: null }
  | (Pick<CredentialRow, 'sealed' | 'validUntil'> & {
      /** Whether the endpoint is in another account than the stored secret key. */
      readonly isOfOtherAccount: boolean;
    })
);

/**
 * $1 project, $2 mode, $3 now. Returns a row per valid webhook secret, current first, then newest first.
 * Without any, `sealed` of the only row is `null`. Returns no row without a live project.
 */
export const FIND_WEBHOOK_SECRETS = sql<WebhookSecretRow>(
  `SELECT c.is_active AS "isActive", ${columns(StripeCredentialEntity, { of: 'k', only: ['sealed', 'validUntil'] })},
     ${isOfOtherAccount('k', 'made_with')} AS "isOfOtherAccount" FROM projects p
   LEFT JOIN stripe_configs c ON c.project_id = p.id
   LEFT JOIN stripe_credentials k ON k.project_id = c.project_id AND k.mode = $2 AND k.kind = 'webhook_secret'
     AND (k.slot = 0 OR k.valid_until > $3)
   WHERE p.id = $1 AND p.deleted_at IS NULL
   ORDER BY k.slot > 0, k.written_at DESC`,
  'find_stripe_webhook_secrets',
  { computed: { isOfOtherAccount: Boolean } },
);
