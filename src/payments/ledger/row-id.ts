import { v5 as uuidV5 } from 'uuid';
import type { ProjectId } from '../../common/ids.js';
import type { StripeMode } from '../stripe-config/credential-rules.js';

/**
 * Our id of the row for an object of Stripe's: the UUIDv5 of its mode and id in the project's namespace. So a payment can tell the id
 * of its subscription whichever of them arrives first, and the same events give the same ids everywhere.
 */
export function rowId(projectId: ProjectId, mode: StripeMode, stripeId: string): string {
  return uuidV5(`stripe/${mode}/${stripeId}`, Buffer.from(projectId.replaceAll('-', ''), 'hex'));
}
