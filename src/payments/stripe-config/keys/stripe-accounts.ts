import { Injectable } from '@nestjs/common';
import { Deadline } from '../../../common/deadline.js';
import type { ProjectId } from '../../../common/ids.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { StripeConfigService } from '../stripe-config.service.js';
import { KeyHealthRepository } from './key-health.repository.js';
import { StripeClients } from './stripe-clients.js';
import { asStripeFailure, stripeUnavailable } from '../../stripe/stripe.errors.js';

/** Less than Stripe's timeout for a webhook response. */
const BUDGET_MS = 8_000;

/** Stripe accounts of the stored secret keys. */
@Injectable()
export class StripeAccounts {
  constructor(
    private readonly keys: KeyHealthRepository,
    private readonly configs: StripeConfigService,
    private readonly clients: StripeClients,
  ) {}

  /**
   * Whether the stored secret key belongs to this account. Asks Stripe if the account is unknown.
   * @param accountId `acct_…`, or the id of an organisation
   * @throws DomainError `stripe_*`, `database_unavailable`, and as `StripeClients.for`
   */
  async isOwn(projectId: ProjectId, mode: StripeMode, accountId: string): Promise<boolean> {
    const key = await this.keys.findAccount(projectId, mode);
    if (key?.accountId) return key.accountId === accountId;
    if (key?.accountFingerprint === this.configs.accountFingerprint(projectId, accountId)) return true;
    if (!accountId.startsWith('acct_')) return false;
    const { accountId: askStripe } = await this.clients.connect(projectId, mode);
    const asked = askStripe().catch((error: unknown) => {
      throw asStripeFailure(error);
    });
    return (await Deadline.within(BUDGET_MS, () => asked, tooLate)) === accountId;
  }
}

function tooLate() {
  return stripeUnavailable(
    'Stripe did not say in time which account the secret key belongs to; try again shortly.',
    undefined,
  );
}
