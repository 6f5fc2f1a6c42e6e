import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

/** An event of Stripe whose signature held, of whatever API version. */
export interface StripeEvent {
  readonly projectId: ProjectId;
  readonly mode: StripeMode;
  /** `evt_…` */
  readonly id: string;
  readonly type: string;
  /** Whole seconds: Stripe tells no better. */
  readonly created: Date;
  readonly apiVersion: string | null;
  /** `data.object` as it came. */
  readonly object: unknown;
}
