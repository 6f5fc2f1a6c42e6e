import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

/** What an event changes, with all that was asked of Stripe for it: ready to be written. */
export interface LedgerChange {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}
