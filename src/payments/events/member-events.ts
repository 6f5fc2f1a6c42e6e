import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MembershipHook } from '../../projects/members/membership-hook.js';
import { EventLog } from './event-log.js';

/** Stores an event when somebody joins or leaves a project. */
@Injectable()
export class MemberEvents implements OnModuleInit {
  constructor(
    private readonly memberships: MembershipHook,
    private readonly log: EventLog,
  ) {}

  onModuleInit(): void {
    this.memberships.on(({ type, projectId, member, at }) =>
      this.log.add([type, { projectId, mode: null, member }], at),
    );
  }
}
