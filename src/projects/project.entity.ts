import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { OwnerId, ProjectId } from '../common/ids.js';
import type { Role } from './permissions/permissions.js';

/**
 * What is known of a project's stored secret keys: none is stored, one was never checked, Stripe refused one, or
 * Stripe accepted all.
 */
export const PROJECT_HEALTHS = ['unconfigured', 'unverified', 'unhealthy', 'healthy'] as const;
export type ProjectHealth = (typeof PROJECT_HEALTHS)[number];

/** What monitoring found wrong with a project, besides the health of its keys. */
export const PROJECT_PROBLEMS = [
  'endpoint_disabled',
  'endpoint_silent',
  'signatures_failing',
  'credentials_expiring',
] as const;
export type ProjectProblem = (typeof PROJECT_PROBLEMS)[number];

/** The bit of a problem in `projects.problems`. */
export function bitOf(problem: ProjectProblem): number {
  return 2 ** PROJECT_PROBLEMS.indexOf(problem);
}

const MAX_NAME_LENGTH = 255;

/** The form of a name in which it is searched: without differences of case and of Unicode's composition. */
export function searchNameOf(name: string): string {
  return [...name.normalize('NFC').toLowerCase()].slice(0, MAX_NAME_LENGTH).join('');
}

/** A live project. Times are RFC 3339 in UTC with milliseconds. */
export interface Project {
  readonly id: ProjectId;
  readonly ownerId: OwnerId;
  readonly name: string;
  readonly description: string | null;
  readonly gatewayPaused: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A project, with the role that somebody has in it. */
export interface ProjectWithRole extends Project {
  readonly role: Role;
}

/** Fields of an update. Absent or `null` leaves a field unchanged. */
export interface ProjectChanges {
  readonly name?: string | null;
  readonly description?: string | null;
}

const WITH_PROBLEMS = 'deleted_at IS NULL AND problems IS NOT NULL';

@Entity('projects')
@Index('projects_by_creation', ['createdAt', 'id'], { where: 'deleted_at IS NULL' })
@Index('projects_by_health', ['health', 'createdAt', 'id'], { where: 'deleted_at IS NULL' })
@Index('projects_by_health_and_name', ['health', 'searchName', 'id'], { where: 'deleted_at IS NULL' })
@Index('projects_by_problems', ['problems', 'createdAt', 'id'], { where: WITH_PROBLEMS })
@Index('projects_by_problems_and_name', ['problems', 'searchName', 'id'], { where: WITH_PROBLEMS })
@Index('projects_by_owner_and_problems', ['ownerId', 'problems', 'createdAt', 'id'], { where: WITH_PROBLEMS })
@Index('projects_by_owner_problems_and_name', ['ownerId', 'problems', 'searchName', 'id'], {
  where: WITH_PROBLEMS,
})
@Index('projects_by_owner', ['ownerId', 'createdAt', 'id'], { where: 'deleted_at IS NULL' })
@Index('projects_by_owner_and_health', ['ownerId', 'health', 'createdAt', 'id'], {
  where: 'deleted_at IS NULL',
})
@Index('projects_by_owner_health_and_name', ['ownerId', 'health', 'searchName', 'id'], {
  where: 'deleted_at IS NULL',
})
export class ProjectEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'projects_pk' })
  id: ProjectId;

  @Column({ name: 'owner_id', type: 'varchar', length: 255 })
  ownerId: OwnerId;

  @Column({ type: 'varchar', length: MAX_NAME_LENGTH })
  name: string;

  /** `searchNameOf` the name. Its index compares bytes, so that a prefix is a range of it. */
  @Column({ name: 'search_name', type: 'varchar', length: MAX_NAME_LENGTH })
  searchName: string;

  @Column({ type: 'varchar', length: 1000, nullable: true })
  description: string | null;

  @Column({ name: 'created_at', type: Date, precision: 3 })
  createdAt: Date;

  @Column({ name: 'updated_at', type: Date, precision: 3 })
  updatedAt: Date;

  /** Kept by payments whenever a key or a verdict on it changes. */
  @Column({ type: 'varchar', length: 16, default: 'unconfigured' })
  health: ProjectHealth;

  /** The sum of `bitOf` each problem; `null` without one, as in most rows, which then are in no index of it. */
  @Column({ type: 'smallint', nullable: true })
  problems: number | null;

  /** Whether the operator refuses all requests with the project's gateway keys for now. */
  @Column({ name: 'gateway_paused', type: Boolean, default: false })
  gatewayPaused: boolean;

  /** Set when the project was deleted. Never reset. */
  @Column({ name: 'deleted_at', type: Date, precision: 3, nullable: true })
  deletedAt: Date | null;
}
