import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { KeyRotation } from '../../auth/opaque-keys/opaque-key.dto.js';
import { OpaqueKeys } from '../../auth/opaque-keys/opaque-keys.js';
import { ServiceAccountCallers } from '../../auth/service-account-callers.js';
import type { Actor } from '../../common/actor.js';
import { ProjectsService } from '../projects.service.js';
import {
  type AccountChanges,
  type AccountWithKey,
  type Holder,
  type ListedAccount,
  type NewServiceAccount,
  ServiceAccountsRepository,
} from './service-accounts.repository.js';

/** Makes, rotates and revokes service accounts. A change takes effect in every process within two seconds. */
@Injectable()
export class ServiceAccountsService implements OnModuleInit {
  constructor(
    private readonly accounts: ServiceAccountsRepository,
    private readonly keys: OpaqueKeys,
    private readonly callers: ServiceAccountCallers,
    private readonly projects: ProjectsService,
  ) {}

  onModuleInit(): void {
    const { accounts, keys } = this;
    this.callers.findWith((id) => accounts.findCaller(id));
    this.projects.deleting.on(async (projectId) => {
      let revoked: string[] = [];
      return {
        *destroy() {
          revoked = yield* accounts.revokeOfProject(projectId);
        },
        cleanUp: async () => revoked.forEach((id) => keys.announce(id)),
      };
    });
  }

  list(holder: Holder): Promise<ListedAccount[]> {
    return this.accounts.list(holder);
  }

  find(id: string): Promise<ListedAccount | undefined> {
    return this.accounts.find(id);
  }

  /** @throws DomainError `project_not_found`, `too_many_service_accounts` */
  create(holder: Holder, account: NewServiceAccount, actor: Actor): Promise<AccountWithKey> {
    return this.accounts.add(holder, account, actor);
  }

  /** @throws DomainError `service_account_not_found` */
  async update(holder: Holder, id: string, changes: AccountChanges, actor: Actor): Promise<ListedAccount> {
    const updated = await this.accounts.update(holder, id, changes, actor);
    this.keys.announce(id);
    return updated;
  }

  /** @throws DomainError `service_account_not_found`, `service_account_expired` */
  async rotate(holder: Holder, id: string, rotation: KeyRotation, actor: Actor): Promise<AccountWithKey> {
    const rotated = await this.accounts.rotate(holder, id, rotation, actor);
    this.keys.announce(id);
    return rotated;
  }

  /** @throws DomainError `service_account_not_found` */
  async revoke(holder: Holder, id: string, actor: Actor): Promise<void> {
    await this.accounts.revoke(holder, id, actor);
    this.keys.announce(id);
  }
}
