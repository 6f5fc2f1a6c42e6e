import { Module } from '@nestjs/common';
import { AuditRepository } from './audit.repository.js';
import { AuditTrail } from './audit-trail.js';

/** The history that can be trusted: who did what, when and from where. */
@Module({
  providers: [AuditTrail, AuditRepository],
  exports: [AuditTrail, AuditRepository],
})
export class AuditModule {}
