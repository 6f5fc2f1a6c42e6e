import { Module } from '@nestjs/common';
import { AuditTrail } from './audit-trail.js';

/** The history that can be trusted: who did what, when and from where. */
@Module({
  providers: [AuditTrail],
  exports: [AuditTrail],
})
export class AuditModule {}
