import { Injectable } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { StripeAccounts } from '../stripe-api/stripe-accounts.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { parseEvent, type ReceivedEvent } from './received-event.js';
import type { RefusalReason } from './refusals.js';

const OTHER_ACCOUNT_REASON = "It is of another Stripe account than the project's, as `account` or `context` says.";

const OTHER_ENDPOINT_REASON = 'It is of another Stripe account: its endpoint was made here with a key of that account.';

/** Reads events from wherever they come, and tells those of other accounts. */
@Injectable()
export class EventReader {
  constructor(private readonly accounts: StripeAccounts) {}

  /**
   * @param isOfOtherAccount whether it came from an endpoint of another account
   * @returns the event, or why it is refused. An event of another account is never of the wrong mode: Connect sends test events to live
   * endpoints too.
   * @throws DomainError `database_unavailable`
   */
  async read(
    projectId: ProjectId,
    mode: StripeMode,
    bytes: Buffer,
    isOfOtherAccount = false,
  ): Promise<ReceivedEvent | Extract<RefusalReason, 'unreadable' | 'wrong_mode'>> {
    const event = parseEvent(projectId, mode, bytes);
    if (!event) return 'unreadable';
    if (isOfOtherAccount) return { ...event, ignoredBecause: OTHER_ENDPOINT_REASON };
    for (const account of event.accountIds)
      if (!(await this.accounts.isOwn(projectId, mode, account))) return { ...event, ignoredBecause: OTHER_ACCOUNT_REASON };
    return event.livemode === (mode === 'live') ? event : 'wrong_mode';
  }
}
