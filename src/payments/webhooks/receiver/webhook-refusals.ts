import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { DomainError } from '../../../common/errors.js';
import type { ProjectId } from '../../../common/ids.js';
import { columnNames, columns, columnValues, type RowOf } from '../../../database/columns.js';
import { Database, query, sql } from '../../../database/database.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import type { SignatureProblem } from './stripe-signature.js';

/** Why a delivery was refused: it changed nothing, and Stripe is told so. */
export type RefusalReason = SignatureProblem | 'unreadable' | 'wrong_mode';

const SENTENCES: Record<RefusalReason, string> = {
  missing_signature: 'The Stripe-Signature header is missing.',
  malformed_signature: 'The Stripe-Signature header is malformed: it needs one t and at least one v1.',
  wrong_signature:
    "The signature does not match the stored webhook secret; store the signing secret that Stripe's Dashboard shows for this endpoint.",
  too_old: 'The signature is more than 300 seconds old.',
  from_the_future: 'The signature is from more than 300 seconds in the future.',
  unreadable: 'The body is not an event that can be read.',
  wrong_mode: 'The event is of the other mode than this URL; register the URL of its mode.',
};

export const REFUSAL_REASONS = Object.keys(SENTENCES) as RefusalReason[];

export function refusalSentence(reason: RefusalReason): string {
  return SENTENCES[reason];
}

/** The one answer for a URL without a project, a configuration or a secret of its mode: a stranger learns nothing from it. */
export const RECEIVES_NOTHING =
  "This URL receives no events; compare it with the project's webhook URL, and store the webhook secret of its mode.";

export function notReceiving(): DomainError {
  return new DomainError('not_receiving', RECEIVES_NOTHING);
}

export function refusal(reason: RefusalReason): DomainError {
  return new DomainError('webhook_refused', SENTENCES[reason]);
}

/** Counts refused deliveries by reason. A wrong webhook secret shows here. */
@Entity('webhook_refusals')
export class WebhookRefusalEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'webhook_refusals_pk' })
  projectId: ProjectId;

  @PrimaryColumn({ type: 'varchar', length: 4, primaryKeyConstraintName: 'webhook_refusals_pk' })
  mode: StripeMode;

  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'webhook_refusals_pk' })
  reason: RefusalReason;

  @Column({ type: 'bigint' })
  count: number;

  @Column({ name: 'first_at', type: Date, precision: 3 })
  firstAt: Date;

  @Column({ name: 'last_at', type: Date, precision: 3 })
  lastAt: Date;
}

/** The refused deliveries of one project and mode, for one reason. */
export type RefusalCount = RowOf<WebhookRefusalEntity>;

/** $1 project, $2 mode, $3 reason, $4 how many more, $5 first, $6 last. */
const ADD = sql<never>(
  `INSERT INTO webhook_refusals AS r (${columnNames(WebhookRefusalEntity)}) VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT (project_id, mode, reason) DO UPDATE SET count = r.count + excluded.count,
     last_at = CASE WHEN r.last_at > excluded.last_at THEN r.last_at ELSE excluded.last_at END`,
  'add_webhook_refusals',
);

/** $1 project, $2 mode or `null`. */
const FIND = sql<RefusalCount>(
  `SELECT ${columns(WebhookRefusalEntity)} FROM webhook_refusals
   WHERE project_id = $1 AND mode = COALESCE($2, mode) ORDER BY last_at DESC, mode, reason`,
  'find_webhook_refusals',
);

@Injectable()
export class WebhookRefusalsRepository {
  constructor(private readonly database: Database) {}

  /** Adds to the stored counts, in one order, so that two processes can't deadlock. */
  async add(counts: readonly RefusalCount[]): Promise<void> {
    const rows = counts.map((count) => columnValues(WebhookRefusalEntity, count));
    rows.sort((one, other) => (String(one) < String(other) ? -1 : 1));
    await this.database.transaction(function* () {
      for (const row of rows) yield* query(ADD, row);
    });
  }

  /** The latest first. */
  findByProject(projectId: ProjectId, mode: StripeMode | null): Promise<RefusalCount[]> {
    return this.database.query(FIND, [projectId, mode]);
  }
}
