import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import type { Transaction } from '../../database/database.js';
import { HANDLED_EVENTS } from '../stripe-api/handled-events.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import type { LedgerChange } from './ledger-change.js';
import { againIfOvertaken } from './overtaken.js';
import type { StripeEvent } from './stripe-event.js';

const HANDLED: ReadonlySet<string> = new Set(HANDLED_EVENTS);

/** Keeps subscriptions and payments as Stripe last said. */
@Injectable()
export class LedgerService {
  /** Whether events of this type change anything here. */
  handles(type: string): boolean {
    return HANDLED.has(type);
  }

  /**
   * Reads the event, and asks Stripe, under a deadline, for what its payload lacks. Holds no connection to the database meanwhile.
   * @throws DomainError when Stripe has to be asked and can't be: `stripe_unavailable`, `stripe_key_refused`, `stripe_permission_missing`,
   * `stripe_refused`, `project_not_found`, `config_not_found`, `config_deleted`, `mode_not_configured`; `database_unavailable`
   */
  async prepare({ projectId, mode }: StripeEvent): Promise<LedgerChange> {
    return { projectId, mode };
  }

  /**
   * Writes what is still newer, with its statistics and what other modules are to be told: part of the caller's transaction.
   * @throws Overtaken when it has to be prepared again: see `againIfOvertaken`
   */
  *apply(change: LedgerChange): Transaction<void> {
    yield* [];
    void change;
  }

  /**
   * What Stripe answered to a call of ours: a subscription, invoice, checkout session, PaymentIntent, charge or dispute.
   * @param asOf the `Date` header of that answer
   * @returns whether the ledger changed by it
   */
  async record(projectId: ProjectId, mode: StripeMode, object: unknown, asOf: Date): Promise<boolean> {
    return againIfOvertaken(async () => {
      void [projectId, mode, object, asOf];
      return false;
    });
  }
}
