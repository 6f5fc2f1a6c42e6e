import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { KeyRotation } from '../../../auth/opaque-keys/opaque-key.dto.js';
import { OpaqueKeys } from '../../../auth/opaque-keys/opaque-keys.js';
import type { Actor } from '../../../common/actor.js';
import type { ProjectId } from '../../../common/ids.js';
import { ProjectsService } from '../../../projects/projects.service.js';
import {
  type GatewayKeyChanges,
  type IssuedGatewayKey,
  type ListedGatewayKey,
  type NewGatewayKey,
} from './gateway-key.js';
import { GatewayKeysRepository } from './gateway-keys.repository.js';

/** Makes, changes, rotates and revokes gateway keys. Every process applies a change within two seconds. */
@Injectable()
export class GatewayKeysService implements OnModuleInit {
  constructor(
    private readonly gatewayKeys: GatewayKeysRepository,
    private readonly keys: OpaqueKeys,
    private readonly projects: ProjectsService,
  ) {}

  onModuleInit(): void {
    const { gatewayKeys, keys } = this;
    this.projects.deleting.on(async (projectId) => {
      let revoked: string[] = [];
      return {
        *destroy() {
          revoked = yield* gatewayKeys.revokeOfProject(projectId);
        },
        cleanUp: async () => revoked.forEach((id) => keys.announce(id)),
      };
    });
  }

  list(projectId: ProjectId): Promise<ListedGatewayKey[]> {
    return this.gatewayKeys.list(projectId);
  }

  /** @throws DomainError `gateway_key_not_found` */
  assertExists(projectId: ProjectId, id: string): Promise<void> {
    return this.gatewayKeys.assertExists(projectId, id);
  }

  /** @throws DomainError `project_not_found`, `too_many_gateway_keys` */
  create(projectId: ProjectId, key: NewGatewayKey, actor: Actor): Promise<IssuedGatewayKey> {
    return this.gatewayKeys.add(projectId, key, actor);
  }

  /** @throws DomainError `gateway_key_not_found` */
  async change(
    projectId: ProjectId,
    id: string,
    changes: GatewayKeyChanges,
    actor: Actor,
  ): Promise<ListedGatewayKey> {
    const changed = await this.gatewayKeys.change(projectId, id, changes, actor);
    this.keys.announce(id);
    return changed;
  }

  /** @throws DomainError `gateway_key_not_found`, `gateway_key_expired` */
  async rotate(
    projectId: ProjectId,
    id: string,
    rotation: KeyRotation,
    actor: Actor,
  ): Promise<IssuedGatewayKey> {
    const rotated = await this.gatewayKeys.rotate(projectId, id, rotation, actor);
    this.keys.announce(id);
    return rotated;
  }

  /** For operators. @throws DomainError `project_not_found` */
  async pauseProject(projectId: ProjectId, paused: boolean, actor: Actor): Promise<void> {
    const ids = await this.gatewayKeys.pauseProject(projectId, paused, actor);
    for (const id of ids) this.keys.announce(id);
  }

  /** @throws DomainError `gateway_key_not_found` */
  async revoke(projectId: ProjectId, id: string, actor: Actor): Promise<void> {
    await this.gatewayKeys.revoke(projectId, id, actor);
    this.keys.announce(id);
  }
}
