import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../common/ids.js';

/** Lets retention delete the beginning of a chain. Written and deleted in the same transaction, so that nobody else ever sees one. */
@Entity('audit_permits')
export class AuditPermitEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'audit_permits_pk' })
  projectId: ProjectId;

  @Column({ name: 'through_seq', type: 'integer' })
  throughSeq: number;
}
