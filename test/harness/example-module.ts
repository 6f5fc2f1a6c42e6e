import { Injectable, Module } from '@nestjs/common';
import type { ProjectId } from '../../src/common/ids.js';
import { type LedgerPayment, PaymentsEvents } from '../../src/payments/payments-events.js';
import { PaymentsModule } from '../../src/payments/payments.module.js';
import { StripeClients } from '../../src/payments/stripe-config/keys/stripe-clients.js';
import { StripeConfigService } from '../../src/payments/stripe-config/stripe-config.service.js';

@Injectable()
export class ShopService {
  /** Projects whose owners have to store another key. */
  readonly invalidKeys: string[] = [];
  /** What each payment unlocked, by the payment's id. */
  readonly unlocked = new Map<string, string>();

  constructor(
    private readonly configs: StripeConfigService,
    private readonly clients: StripeClients,
    events: PaymentsEvents,
  ) {
    events.on('credentials.invalid', ({ projectId, mode, reason }) => {
      this.invalidKeys.push(`${projectId} ${mode}: ${reason}`);
    });
    events.on('payment.succeeded', ({ payment }) => this.unlock(payment));
  }

  /** @returns masks */
  async saveTestKey(projectId: ProjectId, key: string): Promise<string[]> {
    const { credentials } = await this.configs.save(projectId, { test_secret_key: key });
    return credentials.map(({ mask }) => mask);
  }

  async addCustomer(projectId: ProjectId, email: string): Promise<string> {
    const stripe = await this.clients.for(projectId, 'test');
    const { id } = await stripe.customers.create({ email });
    return id;
  }

  /** Can run again for one payment, once its user is known: `payment.id` makes that harmless. */
  private unlock({ id, userId, amountCents, currency }: LedgerPayment): void {
    if (userId !== null) this.unlocked.set(id, `${userId} ${amountCents} ${currency}`);
  }
}

@Module({ imports: [PaymentsModule], providers: [ShopService], exports: [ShopService] })
export class ShopModule {}
