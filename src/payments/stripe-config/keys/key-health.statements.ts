import { columnNames, columns, excludedColumns, type RowOf } from '../../../database/columns.js';
import type { ProjectId } from '../../../common/ids.js';
import { exec, sql, type Steps } from '../../../database/database.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { StripeKeyAccountEntity, StripeKeyCheckEntity } from './key-health.entities.js';

/** Selects the stored secret key of project $1 and mode $2, if its fingerprint is $3. */
const STORED_KEY = `FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0 AND k.fingerprint = $3`;

/** The new value of a column that a verdict may lack. The former value counts only for the same key. */
const orOfSameKey = (column: string) =>
  `${column} = COALESCE(excluded.${column}, CASE WHEN h.fingerprint = excluded.fingerprint THEN h.${column} END)`;

/**
 * $1 project, $2 mode, $3 fingerprint, $4 valid, $5 account id, $6 account name, $7 now, $8 by, $9 error.
 * Returns a row if the verdict is new. A successful call proves only one permission, so it can replace the
 * verdict of another call, but no validation.
 */
export const RECORD_NEWS = sql<{ mode: StripeMode }>(
  `INSERT INTO stripe_key_checks AS h (${columnNames(StripeKeyCheckEntity)})
   SELECT k.project_id, k.mode, k.fingerprint, $4, $5, $6, $7, $8, $9 ${STORED_KEY}
   ON CONFLICT (project_id, mode) DO UPDATE SET ${orOfSameKey('account_id')}, ${orOfSameKey('account_name')},
     ${excludedColumns(StripeKeyCheckEntity, ['fingerprint', 'valid', 'checkedAt', 'checkedBy', 'error'])}
   WHERE h.fingerprint <> excluded.fingerprint OR h.valid <> excluded.valid
     AND (excluded.checked_by <> 'use' OR NOT excluded.valid OR h.checked_by = 'use')
   RETURNING mode`,
  'record_stripe_key_check',
);

/** $1 project, $2 mode. Returns a row if Stripe refused the last key that was checked. */
export const WAS_REFUSED = sql<{ mode: StripeMode }>(
  'SELECT mode FROM stripe_key_checks WHERE project_id = $1 AND mode = $2 AND NOT valid',
  'was_stripe_key_refused',
);

/** Parameters of `RECORD_NEWS`. Refreshes an unchanged verdict. */
export const RECORD_AGAIN = sql<never>(
  `UPDATE stripe_key_checks SET checked_at = $7, checked_by = $8, error = $9,
     account_id = COALESCE($5, account_id), account_name = COALESCE($6, account_name)
   WHERE project_id = $1 AND mode = $2 AND fingerprint = $3 AND valid = $4`,
  'record_stripe_key_check_again',
);

/** $1 project, $2 mode, $3 fingerprint, $4 account id, $5 now. Returns a row if the account is new. */
export const KEEP_ACCOUNT = sql<{ mode: StripeMode }>(
  `INSERT INTO stripe_key_accounts AS a (${columnNames(StripeKeyAccountEntity)})
   SELECT k.project_id, k.mode, k.fingerprint, $4, $5 ${STORED_KEY}
   ON CONFLICT (project_id, mode, fingerprint) DO UPDATE SET
     ${excludedColumns(StripeKeyAccountEntity, ['accountId', 'learnedAt'])}
   WHERE a.account_id <> excluded.account_id
   RETURNING mode`,
  'keep_account_of_stripe_key',
);

/**
 * $1 project, $2 mode, $3 fingerprint, $4 account fingerprint, $5 whether Stripe recognized the key.
 * `known_to_stripe` never returns from true to false.
 */
export const LEARN = sql<never>(
  `UPDATE stripe_credentials SET account_fingerprint = COALESCE(account_fingerprint, $4),
     known_to_stripe = COALESCE(known_to_stripe, false) OR $5
   WHERE project_id = $1 AND mode = $2 AND kind = 'secret_key' AND slot = 0 AND fingerprint = $3`,
  'learn_of_stripe_key',
);

const CHECK = ['valid', 'accountId', 'accountName', 'checkedAt', 'checkedBy', 'error'] as const;

/** Stripe's last verdict on a stored key. */
export type Check = Pick<RowOf<StripeKeyCheckEntity>, (typeof CHECK)[number]>;

/** `valid` is `null` if the stored key was never checked. */
type StateRow = { mode: StripeMode; keyFingerprint: string | null; formerSecretValidUntil: Date | null } & (
  Check | { valid: null }
);

/** $1 project, $2 now. Returns a row for each mode. */
export const FIND_STATES = sql<StateRow>(
  `SELECT ${columns(StripeKeyCheckEntity, { of: 'h', only: CHECK })}, m.mode, k.fingerprint AS "keyFingerprint",
     (SELECT f.valid_until FROM stripe_credentials f
      WHERE f.project_id = $1 AND f.mode = m.mode AND f.valid_until > $2
      ORDER BY f.valid_until DESC LIMIT 1) AS "formerSecretValidUntil"
   FROM (SELECT 'test' AS mode UNION ALL SELECT 'live') m
   LEFT JOIN stripe_credentials k ON k.project_id = $1 AND k.mode = m.mode AND k.kind = 'secret_key' AND k.slot = 0
   LEFT JOIN stripe_key_checks h ON h.project_id = k.project_id AND h.mode = k.mode AND h.fingerprint = k.fingerprint`,
  'find_stripe_connection_state',
);

/** $1 project, $2 mode. Returns a row if there is a secret key. */
export const FIND_ACCOUNT = sql<{ accountId: string | null; accountFingerprint: string | null }>(
  `SELECT a.account_id AS "accountId", k.account_fingerprint AS "accountFingerprint" FROM stripe_credentials k
   LEFT JOIN stripe_key_accounts a ON a.project_id = k.project_id AND a.mode = k.mode AND a.fingerprint = k.fingerprint
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0`,
  'find_account_of_stripe_key',
);

/** $1 project, $2 mode. */
export const FORGET = sql<never>(
  'DELETE FROM stripe_key_checks WHERE project_id = $1 AND mode = $2',
  'forget_stripe_key_check',
);

/** $1 project. Writes only if the health differs. */
const REFRESH_HEALTH = sql<never>(
  `UPDATE projects SET health = computed.health FROM (
     SELECT CASE WHEN count(*) = 0 THEN 'unconfigured'
       WHEN count(CASE WHEN NOT h.valid THEN 1 END) > 0 THEN 'unhealthy'
       WHEN count(h.valid) < count(*) THEN 'unverified'
       ELSE 'healthy' END AS health
     FROM stripe_credentials k
     LEFT JOIN stripe_key_checks h ON h.project_id = k.project_id AND h.mode = k.mode AND h.fingerprint = k.fingerprint
     WHERE k.project_id = $1 AND k.kind = 'secret_key' AND k.slot = 0) computed
   WHERE projects.id = $1 AND projects.health <> computed.health`,
  'refresh_project_health',
);

/** Call it in every transaction that changes a secret key, or the verdict on one. */
export function refreshHealth(projectId: ProjectId): Steps<void> {
  return exec(REFRESH_HEALTH, [projectId]);
}
