import type { ProjectId } from '../../common/ids.js';
import type { Settings } from '../../config/settings.js';
import type { StripeMode } from './credential-rules.js';

/** Where Stripe sends the events of a project and mode. */
export function webhookUrl({ publicBaseUrl }: Settings, projectId: ProjectId, mode: StripeMode): string {
  return `${publicBaseUrl}/api/v1/payments/stripe/webhooks/${projectId}/${mode}`;
}
