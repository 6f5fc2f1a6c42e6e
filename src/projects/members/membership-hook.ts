import { Injectable } from '@nestjs/common';
import type { OwnerId, ProjectId } from '../../common/ids.js';
import type { Steps } from '../../database/database.js';
import type { Role } from '../permissions/permissions.js';

export interface MembershipChange {
  readonly type: 'member.added' | 'member.removed';
  readonly projectId: ProjectId;
  readonly member: { readonly subject: OwnerId; readonly role: Role };
  readonly at: Date;
}

type MembershipListener = (change: MembershipChange) => Steps<unknown>;

/**
 * Lets a module above take part in the transaction in which somebody joins or leaves a project. Add listeners
 * in `onModuleInit`.
 */
@Injectable()
export class MembershipHook {
  readonly #listeners: MembershipListener[] = [];

  on(listener: MembershipListener): void {
    this.#listeners.push(listener);
  }

  /** Part of the transaction that makes the change. */
  *tell(change: MembershipChange): Steps<void> {
    for (const listener of this.#listeners) yield* listener(change);
  }
}
