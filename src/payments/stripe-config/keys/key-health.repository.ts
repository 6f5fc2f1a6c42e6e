import { Injectable } from '@nestjs/common';
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../../../common/ids.js';
import { columns, type RowOf } from '../../../database/columns.js';
import { Database, query, sql, type Steps } from '../../../database/database.js';
import type { HistoryEvent } from '../../../history/history-entry.js';
import { HistoryTrail } from '../../../history/history-trail.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { configWarnings } from '../stripe-config.js';
import { StripeConfigEntity } from '../stripe-config.entities.js';
import {
  FIND as FIND_CONFIG,
  RAISE_VERSION_ALONE,
  RAISE_VERSIONS_OF_SHARING,
  toConfig,
} from '../stripe-config.statements.js';
import type { CheckedBy, KeyIdentity, KeyVerdict } from './key-probe.js';

const PK = { primaryKeyConstraintName: 'stripe_key_accounts_pk' };

/** Stripe account of a secret key. Former keys stay, because their endpoints stay in that account. */
@Entity('stripe_key_accounts')
@Index('stripe_key_accounts_by_account', ['accountId', 'mode'])
export class StripeKeyAccountEntity {
  @PrimaryColumn('uuid', { name: 'project_id', ...PK })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, ...PK })
  mode: StripeMode;

  /** Fingerprint of the secret key. */
  @PrimaryColumn({ type: 'varchar', length: 32, ...PK })
  fingerprint: string;

  /** `acct_…` */
  @Column({ name: 'account_id', type: 'varchar', length: 64 })
  accountId: string;

  @Column({ name: 'learned_at', type: Date, precision: 3 })
  learnedAt: Date;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_key_accounts_config_fk' })
  config: StripeConfigEntity;
}

/** Stripe's last verdict on a secret key. Applies only to the key with this fingerprint. */
@Entity('stripe_key_checks')
export class StripeKeyCheckEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'stripe_key_checks_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'stripe_key_checks_pk' })
  mode: StripeMode;

  @Column({ type: 'varchar', length: 32 })
  fingerprint: string;

  @Column({ type: Boolean })
  valid: boolean;

  @Column({ name: 'account_id', type: 'varchar', length: 64, nullable: true })
  accountId: string | null;

  @Column({ name: 'account_name', type: 'varchar', length: 255, nullable: true })
  accountName: string | null;

  @Column({ name: 'checked_at', type: Date, precision: 3 })
  checkedAt: Date;

  @Column({ name: 'checked_by', type: 'varchar', length: 16 })
  checkedBy: CheckedBy;

  /** Our message, not Stripe's. */
  @Column({ type: 'varchar', length: 1000, nullable: true })
  error: string | null;

  @ManyToOne(() => StripeConfigEntity)
  @JoinColumn({ name: 'project_id', foreignKeyConstraintName: 'stripe_key_checks_config_fk' })
  config: StripeConfigEntity;
}

const MAX_NAME_LENGTH = 255;

/** Last known state of one mode's connection to Stripe. */
export interface ConnectionState {
  readonly mode: StripeMode;
  readonly hasSecretKey: boolean;
  /** Last check of the stored key. Checks of earlier keys are ignored. */
  readonly check: Pick<
    Check,
    'valid' | 'accountId' | 'accountName' | 'checkedAt' | 'checkedBy' | 'error'
  > | null;
  readonly formerSecretValidUntil: Date | null;
}

type Check = RowOf<StripeKeyCheckEntity>;

type StateRow = { mode: StripeMode; keyFingerprint: string | null; formerSecretValidUntil: Date | null } & (
  Check | { valid: null }
);

/**
 * $1 project, $2 mode, $3 fingerprint, $4 valid, $5 account id, $6 account name, $7 now, $8 by, $9 error.
 * Returns a row if the verdict is new. A successful call proves only one permission, so it can replace the
 * verdict of another call, but no validation.
 */
const RECORD_NEWS = sql<{ mode: StripeMode }>(
  `INSERT INTO stripe_key_checks (project_id, mode, fingerprint, valid, account_id, account_name, checked_at, checked_by, error)
   SELECT k.project_id, k.mode, k.fingerprint, $4, $5, $6, $7, $8, $9 FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0 AND k.fingerprint = $3
   ON CONFLICT (project_id, mode) DO UPDATE SET fingerprint = excluded.fingerprint, valid = excluded.valid,
     account_id = COALESCE(excluded.account_id, CASE WHEN stripe_key_checks.fingerprint = excluded.fingerprint THEN stripe_key_checks.account_id END),
     account_name = COALESCE(excluded.account_name, CASE WHEN stripe_key_checks.fingerprint = excluded.fingerprint THEN stripe_key_checks.account_name END),
     checked_at = excluded.checked_at, checked_by = excluded.checked_by, error = excluded.error
   WHERE stripe_key_checks.fingerprint <> excluded.fingerprint OR stripe_key_checks.valid <> excluded.valid
     AND (excluded.checked_by <> 'use' OR NOT excluded.valid OR stripe_key_checks.checked_by = 'use')
   RETURNING mode`,
  'record_stripe_key_check',
);

/** Parameters of `RECORD_NEWS`. Refreshes an unchanged verdict. */
const RECORD_AGAIN = sql<never>(
  `UPDATE stripe_key_checks SET checked_at = $7, checked_by = $8, error = $9,
     account_id = COALESCE($5, account_id), account_name = COALESCE($6, account_name)
   WHERE project_id = $1 AND mode = $2 AND fingerprint = $3 AND valid = $4`,
  'record_stripe_key_check_again',
);

/** $1 project, $2 mode, $3 fingerprint, $4 account id, $5 now. Writes only for the stored key. */
const KEEP_ACCOUNT = sql<{ mode: StripeMode }>(
  `INSERT INTO stripe_key_accounts AS a (project_id, mode, fingerprint, account_id, learned_at)
   SELECT k.project_id, k.mode, k.fingerprint, $4, $5 FROM stripe_credentials k
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0 AND k.fingerprint = $3
   ON CONFLICT (project_id, mode, fingerprint) DO UPDATE SET account_id = excluded.account_id, learned_at = excluded.learned_at
   WHERE a.account_id <> excluded.account_id
   RETURNING mode`,
  'keep_account_of_stripe_key',
);

/**
 * $1 project, $2 mode, $3 fingerprint, $4 account fingerprint, $5 whether Stripe recognized the key.
 * `known_to_stripe` never returns from true to false.
 */
const LEARN = sql<never>(
  `UPDATE stripe_credentials SET account_fingerprint = COALESCE(account_fingerprint, $4),
     known_to_stripe = COALESCE(known_to_stripe, false) OR $5
   WHERE project_id = $1 AND mode = $2 AND kind = 'secret_key' AND slot = 0 AND fingerprint = $3`,
  'learn_of_stripe_key',
);

/** $1 project, $2 mode. */
const FORGET = sql<never>(
  'DELETE FROM stripe_key_checks WHERE project_id = $1 AND mode = $2',
  'forget_stripe_key_check',
);

/** $1 project, $2 now. The columns of a check are `null` if the stored key was never checked. */
const FIND = sql<StateRow>(
  `SELECT ${columns(StripeKeyCheckEntity, { of: 'h', only: ['valid', 'accountId', 'accountName', 'checkedAt', 'checkedBy', 'error'] })},
     m.mode, k.fingerprint AS "keyFingerprint",
     (SELECT f.valid_until FROM stripe_credentials f
      WHERE f.project_id = $1 AND f.mode = m.mode AND f.valid_until > $2
      ORDER BY f.valid_until DESC LIMIT 1) AS "formerSecretValidUntil"
   FROM (SELECT 'test' AS mode UNION ALL SELECT 'live') m
   LEFT JOIN stripe_credentials k ON k.project_id = $1 AND k.mode = m.mode AND k.kind = 'secret_key' AND k.slot = 0
   LEFT JOIN stripe_key_checks h ON h.project_id = k.project_id AND h.mode = k.mode AND h.fingerprint = k.fingerprint`,
  'find_stripe_connection_state',
);

@Injectable()
export class KeyHealthRepository {
  constructor(
    private readonly database: Database,
    private readonly history: HistoryTrail,
  ) {}

  /**
   * Records a verdict, if the key is still the stored one.
   * @param accountFingerprint of the account that Stripe reported
   * @param event for the history; for a key in use, only if it is a new refusal or changes the warnings
   * @returns whether the verdict is new (the first one on this key, or a different one), and whether the
   * account is new
   */
  async record(
    projectId: ProjectId,
    { mode, fingerprint }: KeyIdentity,
    { valid, message, account }: KeyVerdict,
    by: CheckedBy,
    accountFingerprint: string | undefined,
    event: HistoryEvent,
  ): Promise<{ isNews: boolean; isAccountNews: boolean }> {
    const error = valid ? null : message;
    const values = [
      projectId,
      mode,
      fingerprint,
      valid,
      account?.id ?? null,
      storable(account?.name),
      event.at,
      by,
      error,
    ];
    const { history, database } = this;
    let isAccountNews = false;
    const isNews = await database.transaction(function* () {
      const chain = yield* history.lockChain(projectId);
      const news = yield* query(RECORD_NEWS, values);
      if (news.length === 0 && !(valid && by === 'use')) yield* query(RECORD_AGAIN, values);
      const learn = function* () {
        if (account)
          isAccountNews =
            (yield* query(KEEP_ACCOUNT, [projectId, mode, fingerprint, account.id, event.at])).length > 0;
        yield* query(LEARN, [
          projectId,
          mode,
          fingerprint,
          accountFingerprint ?? null,
          valid || account !== undefined,
        ]);
      };
      const version = yield* raisingVersionWithWarnings(projectId, learn);
      const details = { ...event.details, ...(version !== undefined && { version }) };
      if (by !== 'use' || (!valid && news.length > 0) || version !== undefined)
        yield* chain.append({ ...event, details });
      return news.length > 0;
    });
    // Outside the transaction, to avoid deadlocks between projects that share an account.
    if (isAccountNews) await this.database.query(RAISE_VERSIONS_OF_SHARING, [projectId, mode]);
    return { isNews, isAccountNews };
  }

  async forget(projectId: ProjectId, mode: StripeMode): Promise<void> {
    await this.database.query(FORGET, [projectId, mode]);
  }

  async findByProject(projectId: ProjectId): Promise<ConnectionState[]> {
    return (await this.database.query(FIND, [projectId, new Date()])).map(toState);
  }
}

/** Raises the version if `learn` changes the warnings, which the `ETag` covers. @returns the new version */
function* raisingVersionWithWarnings(
  projectId: ProjectId,
  learn: () => Steps<unknown>,
): Steps<number | undefined> {
  const before = yield* warningsOf(projectId);
  yield* learn();
  if (before === (yield* warningsOf(projectId))) return undefined;
  const [raised] = yield* query(RAISE_VERSION_ALONE, [projectId]);
  return raised?.version;
}

function* warningsOf(projectId: ProjectId): Steps<string> {
  const [row] = yield* query(FIND_CONFIG, [projectId]);
  return JSON.stringify(row && configWarnings(toConfig(row).credentials));
}

/** Drops NUL and cuts between characters, because Stripe limits neither length nor characters of a name. */
function storable(name: string | null | undefined): string | null {
  return name ? [...name.replaceAll('\0', '')].slice(0, MAX_NAME_LENGTH).join('') : null;
}

function toState(row: StateRow): ConnectionState {
  return {
    mode: row.mode,
    hasSecretKey: row.keyFingerprint !== null,
    formerSecretValidUntil: row.formerSecretValidUntil,
    check: row.valid === null ? null : row,
  };
}
