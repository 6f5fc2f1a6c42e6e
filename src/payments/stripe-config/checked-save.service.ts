import { Injectable } from '@nestjs/common';
import type { Project } from '../../projects/project.js';
import { SecretKeyChecker } from './secret-key-checker.js';
import type { CredentialChanges, SaveOptions, StripeConfig } from './stripe-config.js';
import { StripeConfigService } from './stripe-config.service.js';

/** `save`, after Stripe accepted the secret keys. */
@Injectable()
export class CheckedSaveService {
  constructor(
    private readonly configs: StripeConfigService,
    private readonly checker: SecretKeyChecker,
  ) {}

  /** @throws what `SecretKeyChecker.checkChanges` and `StripeConfigService.save` throw; nothing is stored then */
  async save(project: Project, changes: CredentialChanges, options: SaveOptions): Promise<StripeConfig> {
    const noteVerdicts = await this.checker.checkChanges(project, changes);
    const saved = await this.configs.save(project.id, changes, options);
    await noteVerdicts();
    // The verdicts may have told the account, and with it a warning.
    return (await this.configs.find(project.id).catch(() => undefined)) ?? saved;
  }
}
