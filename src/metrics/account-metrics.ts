import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter } from 'prom-client';
import { AccountsService } from '../accounts/accounts.service.js';
import { MetricsRegistry } from './metrics-registry.js';

/** Logins that failed: guessing shows here. */
@Injectable()
export class AccountMetrics implements OnModuleInit {
  constructor(
    private readonly registry: MetricsRegistry,
    private readonly accounts: AccountsService,
  ) {}

  onModuleInit(): void {
    if (!this.registry.isOn) return;
    const { failedLogins } = this.accounts;
    new Counter({
      name: 'tillkeeper_login_failures_total',
      help: 'Logins with a wrong address or password, and logins that were limited after too many of those.',
      labelNames: ['reason'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(failedLogins)) this.inc({ reason }, count);
      },
    });
  }
}
