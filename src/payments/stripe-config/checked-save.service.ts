import { Injectable } from '@nestjs/common';
import type { Actor } from '../../common/actor.js';
import { assertCondition } from './precondition.js';
import { SecretKeyChecker } from './secret-key-checker.js';
import type { CredentialChanges, SaveOptions, SeenConfig, StripeConfig } from './stripe-config.js';
import { StripeConfigService } from './stripe-config.service.js';

/** `save`, after Stripe accepted the secret keys. */
@Injectable()
export class CheckedSaveService {
  constructor(
    private readonly configs: StripeConfigService,
    private readonly checker: SecretKeyChecker,
  ) {}

  /** @throws what `SecretKeyChecker.checkChanges` and `StripeConfigService.save` throw; nothing is stored then */
  async save(seen: SeenConfig, changes: CredentialChanges, options: SaveOptions, actor: Actor): Promise<StripeConfig> {
    // It is checked again in the write; but who can't write need not ask Stripe.
    assertCondition(options, seen.state);
    const noteVerdicts = await this.checker.checkChanges(seen, changes, actor);
    const saved = await this.configs.save(seen.id, changes, options, actor);
    await noteVerdicts();
    // The verdicts may have told the account, and with it a warning.
    return (await this.configs.find(seen.id).catch(() => undefined)) ?? saved;
  }
}
