import { Injectable } from '@nestjs/common';
import { DomainError } from '../../common/errors.js';
import type { ProjectId } from '../../common/ids.js';
import { isDatabaseUnavailable } from '../../database/database-errors.js';
import { StripeAccounts } from '../stripe-config/stripe-accounts.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';
import { OTHER_ACCOUNT_REASON, OTHER_ENDPOINT_REASON, parseEvent, type ReceivedEvent } from './received-event.js';
import type { RefusalReason } from './refusals.js';

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
    const isOfMode = event.livemode === (mode === 'live');
    try {
      for (const account of event.accountIds)
        if (!(await this.accounts.isOwn(projectId, mode, account))) return { ...event, ignoredBecause: OTHER_ACCOUNT_REASON };
    } catch (error) {
      if (!(error instanceof DomainError) || isDatabaseUnavailable(error)) throw error;
      // Only accounts that are connected to the project's send events of one mode to an endpoint of the other.
      return isOfMode ? { ...event, undecidedBecause: error } : { ...event, ignoredBecause: OTHER_ACCOUNT_REASON };
    }
    return isOfMode ? event : 'wrong_mode';
  }
}
