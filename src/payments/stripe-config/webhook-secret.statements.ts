import type { ProjectId } from '../../common/ids.js';
import { type Engine, sql } from '../../database/database.js';
import type { SealedText } from '../../vault/seal/seal.js';
import { isOfOtherAccount } from './config-warnings.js';
import type { StoredCredential } from './stripe-config.js';
import type { DestroyedCredential } from './stripe-config.statements.js';

/** How many former ones of a mode are kept: each costs a check of every event's signature, a stranger's too. */
const FORMER_KEPT = 9;

/** The slot of the former one that gives way to `current`. */
const nextSlot = (current: string) => `1 + ${current}.replacements % ${FORMER_KEPT}`;

/**
 * $1 project, $2 end of the overlap, $3 mode, $4 fingerprint of the successor. Copies the current webhook secret, still sealed, into the
 * slot that the successor was in, or else into the next slot in turn, where the oldest secret gives way.
 */
export const KEEP_FORMER = sql<never>(
  `INSERT INTO stripe_credentials
     (project_id, mode, kind, slot, sealed, key_id, mask, fingerprint, looks_cut_off, written_at, made_with, valid_until)
   SELECT k.project_id, k.mode, k.kind,
     COALESCE(
       (SELECT min(s.slot) FROM stripe_credentials s
        WHERE s.project_id = k.project_id AND s.mode = k.mode AND s.kind = k.kind AND s.slot > 0 AND s.fingerprint = $4),
       ${nextSlot('k')}
     ), k.sealed, k.key_id, k.mask, k.fingerprint, k.looks_cut_off, k.written_at, k.made_with, $2
   FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $3 AND k.kind = 'webhook_secret' AND k.slot = 0 AND k.fingerprint <> $4
   ON CONFLICT (project_id, mode, kind, slot) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, mask = excluded.mask,
     fingerprint = excluded.fingerprint, looks_cut_off = excluded.looks_cut_off, written_at = excluded.written_at,
     made_with = excluded.made_with, valid_until = excluded.valid_until`,
  'keep_former_stripe_webhook_secret',
);

/** $1 project, $2 mode. */
export const DELETE_FORMER = sql<never>(
  'DELETE FROM stripe_credentials WHERE project_id = $1 AND mode = $2 AND slot > 0',
  'delete_former_stripe_webhook_secrets',
);

/** A webhook secret, current (slot 0) or former. */
export interface KeptSecret extends Pick<StoredCredential, 'mode' | 'kind' | 'mask' | 'fingerprint'> {
  readonly slot: number;
  /** Whether the next former secret takes its slot. */
  readonly isNextToEvict: boolean | number | null;
}

const findKept = (engine: Engine) =>
  sql<KeptSecret>(
    `SELECT k.mode, k.kind, k.mask, k.fingerprint, k.slot, k.slot = ${nextSlot('current')} AS "isNextToEvict" FROM stripe_credentials k
     LEFT JOIN stripe_credentials current
       ON current.project_id = k.project_id AND current.mode = k.mode AND current.kind = k.kind AND current.slot = 0
     WHERE k.project_id = $1 AND k.kind = 'webhook_secret' ORDER BY k.mode, k.slot ${engine === 'postgres' ? 'FOR UPDATE OF k' : ''}`,
    'find_kept_stripe_webhook_secrets',
  );

/** $1 project. Locks the rows: a rotation of keys may seal them anew before they are copied. */
export const FIND_KEPT = { sqlite: findKept('sqlite'), postgres: findKept('postgres') };

/** How many projects are looked for at once. */
export const SWEPT_AT_ONCE = 500;

/** $1 now. */
export const FIND_EXPIRED = sql<{ project_id: ProjectId }>(
  `SELECT DISTINCT project_id FROM stripe_credentials WHERE valid_until <= $1 LIMIT ${SWEPT_AT_ONCE}`,
  'find_expired_stripe_webhook_secrets',
);

/** $1 project, $2 now. */
export const DELETE_EXPIRED = sql<DestroyedCredential>(
  'DELETE FROM stripe_credentials WHERE project_id = $1 AND valid_until <= $2 RETURNING mode, kind, mask, slot',
  'delete_expired_stripe_webhook_secrets',
);

/** $1 project, $2 mode, $3 fingerprint. */
export const DELETE_WEBHOOK_SECRET = sql<DestroyedCredential>(
  `DELETE FROM stripe_credentials
   WHERE project_id = $1 AND mode = $2 AND kind = 'webhook_secret' AND fingerprint = $3 RETURNING mode, kind, mask, slot`,
  'delete_stripe_webhook_secret',
);

export interface WebhookSecretRow {
  is_active: boolean | number | null;
  sealed: SealedText | null;
  valid_until: Date | string | null;
  /** Whether its endpoint was made in another account than that of the stored secret key. */
  is_of_other_account: boolean | number;
}

/**
 * $1 project, $2 mode, $3 now. A row for each webhook secret that is valid now, the newest first; without any, one row that has no
 * `sealed`. No row: no live project. `is_active` is `null` without a configuration.
 */
export const FIND_WEBHOOK_SECRETS = sql<WebhookSecretRow>(
  `SELECT c.is_active, k.sealed, k.valid_until, ${isOfOtherAccount('k', 'made_with')} AS is_of_other_account FROM projects p
   LEFT JOIN stripe_configs c ON c.project_id = p.id
   LEFT JOIN stripe_credentials k ON k.project_id = c.project_id AND k.mode = $2 AND k.kind = 'webhook_secret'
     AND (k.slot = 0 OR k.valid_until > $3)
   WHERE p.id = $1 AND p.deleted_at IS NULL
   ORDER BY k.slot > 0, k.written_at DESC`,
  'find_stripe_webhook_secrets',
);
