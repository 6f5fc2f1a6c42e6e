import { Injectable } from '@nestjs/common';
import { Deadline } from '../../../common/deadline.js';
import type { ProjectId } from '../../../common/ids.js';
import { Database, sql } from '../../../database/database.js';
import type { StripeMode } from '../../stripe/stripe-mode.js';
import { StripeConfigService } from '../stripe-config.service.js';
import { StripeClients } from './stripe-clients.js';
import { asStripeFailure, stripeUnavailable } from '../../stripe/stripe.errors.js';

/** Less than Stripe's timeout for a webhook response. */
const BUDGET_MS = 8_000;

/** $1 project, $2 mode. `account_id` is `null` until Stripe reports the account. */
const FIND_CURRENT = sql<{ account_id: string | null; account_fingerprint: string | null }>(
  `SELECT a.account_id, k.account_fingerprint FROM stripe_credentials k
   LEFT JOIN stripe_key_accounts a ON a.project_id = k.project_id AND a.mode = k.mode AND a.fingerprint = k.fingerprint
   WHERE k.project_id = $1 AND k.mode = $2 AND k.kind = 'secret_key' AND k.slot = 0`,
  'find_account_of_stripe_key',
);

/** Stripe accounts of the stored secret keys. */
@Injectable()
export class StripeAccounts {
  constructor(
    private readonly database: Database,
    private readonly configs: StripeConfigService,
    private readonly clients: StripeClients,
  ) {}

  /**
   * Whether the stored secret key belongs to this account. Asks Stripe if the account is unknown.
   * @param accountId `acct_…`, or the id of an organisation
   * @throws DomainError `stripe_*`, `database_unavailable`, and as `StripeClients.for`
   */
  async isOwn(projectId: ProjectId, mode: StripeMode, accountId: string): Promise<boolean> {
    const [key] = await this.database.query(FIND_CURRENT, [projectId, mode]);
    if (key?.account_id) return key.account_id === accountId;
    if (key?.account_fingerprint === this.configs.accountFingerprint(projectId, accountId)) return true;
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
