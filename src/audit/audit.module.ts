import { Module } from '@nestjs/common';
import { AuditRepository } from './audit.repository.js';
import { AuditRetention } from './audit-retention.js';
import { AuditTrail } from './audit-trail.js';
import { AuditVerifier } from './audit-verifier.js';

/** The history that can be trusted: who did what, when and from where. */
@Module({
  providers: [AuditTrail, AuditRepository, AuditVerifier, AuditRetention],
  exports: [AuditTrail, AuditRepository, AuditVerifier, AuditRetention],
})
export class AuditModule {}
