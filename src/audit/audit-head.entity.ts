import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProjectId } from '../common/ids.js';

/** The end of each chain. Whoever appends locks it, so all changes of one project come one after the other. */
@Entity('audit_heads')
export class AuditHeadEntity {
  @PrimaryColumn('uuid', { name: 'project_id', primaryKeyConstraintName: 'audit_heads_pk' })
  projectId: ProjectId;

  @Column({ type: 'integer' })
  seq: number;

  @Column({ type: 'varchar', length: 64 })
  mac: string;
}
