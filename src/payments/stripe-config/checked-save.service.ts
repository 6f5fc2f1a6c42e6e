import { Injectable } from '@nestjs/common';
import { A_MODULE } from '../../common/actor.js';
import type { Project } from '../../projects/project.js';
import { assertCondition } from './precondition.js';
import { SecretKeyChecker } from './secret-key-checker.js';
import type { CredentialChanges, SaveOptions, StripeConfig } from './stripe-config.js';
import { StripeConfigService } from './stripe-config.service.js';

/** `saveValidated`, after Stripe accepted the secret keys. */
@Injectable()
export class CheckedSaveService {
  constructor(
    private readonly configs: StripeConfigService,
    private readonly checker: SecretKeyChecker,
  ) {}

  /** @throws what `SecretKeyChecker.checkChanges` and `StripeConfigService.saveValidated` throw; nothing is stored then */
  async save(project: Pick<Project, 'id' | 'ownerId'>, changes: CredentialChanges, options: SaveOptions): Promise<StripeConfig> {
    // It is checked again in the write; but who can't write need not ask Stripe.
    assertCondition(options, await this.configs.find(project.id));
    const noteVerdicts = await this.checker.checkChanges(project, changes, options.actor ?? A_MODULE);
    const saved = await this.configs.saveValidated(project.id, changes, options);
    await noteVerdicts();
    // The verdicts may have told the account, and with it a warning.
    return (await this.configs.find(project.id).catch(() => undefined)) ?? saved;
  }
}
