import type { ProjectId } from '../common/ids.js';
import type { StripeMode } from './stripe/stripe-mode.js';

/** One project in one of Stripe's modes: the tenant of everything that Stripe is asked or sends. */
export interface ProjectMode {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
}
