import { Injectable, Logger } from '@nestjs/common';
import type { ProjectId } from '../../common/ids.js';
import { StripeConfigService } from '../stripe-config/stripe-config.service.js';
import { type ConnectionState, KeyChecksRepository } from './key-checks.repository.js';
import type { CheckedBy, KeyIdentity, KeyVerdict } from './key-verdict.js';
import { PaymentsEvents } from './payments-events.js';

const REFUSED_IN_USE: KeyVerdict = {
  valid: false,
  message: 'Stripe refused this key when it was used; it was rolled, revoked or has expired.',
};

/** Remembers what Stripe said of the stored keys, and tells other modules when one turns out invalid. */
@Injectable()
export class KeyChecksService {
  readonly #logger = new Logger(KeyChecksService.name);

  constructor(
    private readonly checks: KeyChecksRepository,
    private readonly configs: StripeConfigService,
    private readonly events: PaymentsEvents,
  ) {
    // A key that is stored again after it was deleted starts from empty, like everything else.
    configs.onRemoval(async (projectId, mode) => () => checks.forget(projectId, mode));
  }

  /** Both modes, `test` first. */
  find(projectId: ProjectId): Promise<ConnectionState[]> {
    return this.checks.findByProject(projectId);
  }

  /** Does nothing when the key is not, or no longer, the project's. */
  async record(projectId: ProjectId, key: KeyIdentity, verdict: KeyVerdict, by: CheckedBy): Promise<void> {
    const accountFingerprint = verdict.account && this.configs.accountFingerprint(projectId, verdict.account.id);
    const isNews = await this.checks.record(projectId, key, verdict, by, accountFingerprint);
    if (isNews && !verdict.valid) this.events.emit('credentials.invalid', { projectId, mode: key.mode, reason: verdict.message });
  }

  /** Stripe answered a call with 401. The caller has its answer already and waits for nothing here. */
  refusedInUse(projectId: ProjectId, key: KeyIdentity): void {
    this.record(projectId, key, REFUSED_IN_USE, 'use').catch(() => {
      this.#logger.warn(`Could not note that Stripe refused the ${key.mode} key of project ${projectId}.`);
    });
  }
}
