import { Injectable, Module } from '@nestjs/common';
import type { ProjectId } from '../../src/common/ids.js';
import { LedgerEvents } from '../../src/payments/ledger/ledger-events.js';
import { PaymentsModule } from '../../src/payments/payments.module.js';
import { PaymentsEvents } from '../../src/payments/stripe-api/payments-events.js';
import { StripeClients } from '../../src/payments/stripe-config/stripe-clients.js';
import { StripeConfigService } from '../../src/payments/stripe-config/stripe-config.service.js';

/** A service as somebody who uses the payments module would write it. */
@Injectable()
export class ShopService {
  /** The projects whose owners have to be told that their key no longer works. */
  readonly toTell: string[] = [];

  /** What was paid, by user. */
  readonly paid: string[] = [];

  constructor(
    private readonly configs: StripeConfigService,
    private readonly clients: StripeClients,
    events: PaymentsEvents,
    ledger: LedgerEvents,
  ) {
    events.on('credentials.invalid', ({ projectId, mode, reason }) => void this.toTell.push(`${projectId} ${mode}: ${reason}`));
    ledger.on(
      'payment.recorded',
      ({ payment }) => void this.paid.push(`${payment.userId} ${payment.status} ${payment.amountCents} ${payment.currency}`),
    );
  }

  /** @returns masks */
  async takeTestKey(projectId: ProjectId, key: string): Promise<string[]> {
    const { credentials } = await this.configs.save(projectId, { test_secret_key: key });
    return credentials.map(({ mask }) => mask);
  }

  async addCustomer(projectId: ProjectId, email: string): Promise<string> {
    const stripe = await this.clients.for(projectId, 'test');
    const { id } = await stripe.customers.create({ email });
    return id;
  }
}

@Module({ imports: [PaymentsModule], providers: [ShopService], exports: [ShopService] })
export class ShopModule {}
